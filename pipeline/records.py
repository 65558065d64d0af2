"""The rows that flow between stages.

One class per kind of row. A record is immutable and refuses unknown fields; its Arrow schema is
derived from it (``pipeline.schema``). Times are float64 seconds from the first presented frame of
the (clipped) video; spans are half-open ``[start_s, end_s)``.

A class that extends another adds columns to it, and can be read as it: ``FramedSegment`` satisfies
a reader of ``Segment``, which then does not load the pixels.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Ratio = Annotated[float, Field(ge=0, le=1)]
State = Literal["silence", "standby", "response"]


class Record(BaseModel):
    """Base of every row. Subclasses are the contract between two stages."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reject(Record):
    """A row that was turned down, kept beside the rows that were accepted.

    ``reason`` is a short constant (``low_agreement``), ``detail`` says it for this row, and ``row``
    is the row itself as JSON. ``stage`` is filled in by the worker.
    """

    video_id: str
    reason: str
    detail: str = ""
    row: str = ""
    stage: str = ""


class Provenance(Record):
    """Where a row that a model wrote comes from. Holds no clock, host or transport."""

    stage: str
    prompt: str
    """Name of the prompt file."""
    prompt_sha: str
    model: str
    revision: str
    engine: str
    """Kind of the engine: embedded, http or vllm."""
    engine_version: str
    temperature: float
    max_tokens: int
    seed: int
    samples: int
    tokens_in: int
    tokens_out: int
    request_id: str


class SourceAnnotation(Record):
    """What a dataset already says about a video: a question and its answer, or a described span."""

    kind: Literal["qa", "event"]
    text: str
    """The answer, or the caption of the span."""
    question: str = ""
    options: list[str] = []
    asked_s: Seconds | None = None
    start_s: Seconds | None = None
    end_s: Seconds | None = None
    annotator: str = ""


class ManifestRow(Record):
    """One video to annotate, as a manifest lists it, before anybody has looked at the file."""

    video_id: str
    uri: str
    clip_start_s: Seconds = 0.0
    clip_end_s: Seconds | None = None
    source: str = ""
    licence: str = ""
    split: str = "train"
    annotations: list[SourceAnnotation] = []


class Video(ManifestRow):
    """A video that was probed and admitted."""

    duration_s: Seconds
    """From the first presented frame of the clip to the end of its last, by presentation time."""
    width: int
    """Pixels as displayed, after rotation."""
    height: int
    rotation_deg: int
    codec: str
    frame_rate: float
    """Average frames a second; variable-rate files have one too. For information only."""
    sha256: str


class Segment(Record):
    """One turn's worth of a video, ``[start_s, end_s)``, and when its frame was presented."""

    video_id: str
    index: int
    start_s: Seconds
    end_s: Seconds
    frame_s: Seconds
    """True presentation time of the frame, at most ``start_s``."""


class FramedSegment(Segment):
    """A segment with its frame."""

    jpeg: bytes


class Change(Record):
    """What changed between the frame before and the frame at ``time_s``, or that nothing did."""

    video_id: str
    index: int
    """The turn of the later frame."""
    time_s: Seconds
    changed: bool
    text: str
    provenance: Provenance


class Event(Record):
    """Something with a caption and a span."""

    video_id: str
    event_id: str
    family: Literal["event", "action"]
    caption: str
    start_s: Seconds
    end_s: Seconds
    provenance: Provenance


class GroundedEvent(Event):
    """An event that was located again by its caption alone. Null where it was not found."""

    grounded_start_s: Seconds | None
    grounded_end_s: Seconds | None
    grounding: Provenance


class VerifiedEvent(GroundedEvent):
    """Whether the two spans agree; kept or not, both stay, so a threshold can be swept later."""

    iou: Ratio
    kept: bool
    reason: str
    """Empty when kept."""


class CaptionedEvent(VerifiedEvent):
    """A kept event with the caption as it is to be said."""

    text: str
    """Empty when the rewriting gave no valid sentence."""
    rewriting: Provenance


class Question(Record):
    """A question to the assistant, asked at ``asked_s``."""

    qid: str
    text: str
    asked_s: Seconds
    options: list[str] = []


class Span(Record):
    """A half-open interval in seconds."""

    start_s: Seconds
    end_s: Seconds


class Response(Record):
    """What the assistant is to say, and when it may know it.

    An ``event`` is reported when ``[start_s, end_s)`` is over; an ``instant`` at the first frame
    that shows it. ``respond_s`` is when the evidence is complete.
    """

    rid: str
    qid: str
    kind: Literal["instant", "event"]
    text: str
    start_s: Seconds
    end_s: Seconds
    respond_s: Seconds
    valid_until_s: Seconds | None = None
    evidence: list[Span] = []


class Check(Record):
    """One verification of an annotation, or of one response of it (``rid``)."""

    name: str
    passed: bool
    score: float
    model: str
    rid: str = ""


class Annotation(Record):
    """The waist: one instruction task on one video."""

    video_id: str
    annotation_id: str
    task: str
    aspect: str = ""
    """For a task with kinds of question, which kind this is."""
    questions: list[Question]
    responses: list[Response]
    checks: list[Check] = []
    provenance: list[Provenance] = []
    """The model calls that made it, first to last; empty when a dataset said it."""
    parent_ids: list[str] = []


class Verdict(Record):
    """One look of the verifier at one response of an annotation."""

    video_id: str
    annotation_id: str
    rid: str
    check: Literal["answerable", "premature"]
    expected: str
    seen: str
    passed: bool
    provenance: Provenance


class Turn(Record):
    """One turn: what the user says with a segment, and the state (and text) of the answer."""

    index: int
    start_s: Seconds
    end_s: Seconds
    frame_s: Seconds
    state: State
    question: str = ""
    text: str = ""
    qids: list[str] = []
    rids: list[str] = []
    flags: list[str] = []
    """``merged``, ``shifted`` or ``clamped`` where a response stands otherwise than it asked to."""


class Dialogue(Record):
    """One training sample: a video as turns, made from one annotation."""

    sample_id: str
    video_id: str
    task: str
    aspect: str
    source: str
    licence: str
    split: str
    sha256: str
    """Of the video file, so that who may not be given the video can know that it is the same."""
    clip_start_s: Seconds
    clip_end_s: Seconds | None
    duration_s: Seconds
    turns_per_s: float
    n_silence: int
    n_standby: int
    n_response: int
    models: list[str]
    """All that wrote or verified it, each ``model@revision`` once; empty when a dataset said it."""
    annotation_ids: list[str]
    parent_ids: list[str]
    """What the annotations were made from: events, or the requests that found them."""
    checks: list[Check]
    provenance: list[Provenance]
    """Every model call that had a part in it, first to last; empty when a dataset said it."""
    turns: list[Turn]


class ShardFile(Record):
    """One file of the corpus, path relative to the corpus folder."""

    path: str
    sha256: str
    size_bytes: int
    rows: int
    task: str = ""
    split: str = ""
