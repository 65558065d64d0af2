"""Training samples, and the files of a corpus."""

from __future__ import annotations

from typing import Literal

from pipeline.records.annotation import Check, Question, Response
from pipeline.records.base import Provenance, Ratio, Record, Seconds, State


class AskedQuestion(Question):
    """A question as a dialogue holds it: with the annotation that asks it."""

    task: str
    aspect: str = ""
    annotation_id: str = ""


class PlacedResponse(Response):
    """A response of a dialogue: with the turn in which it was placed."""

    turn: int
    """Index of its turn."""
    standby_from: int
    """Index of the first turn of its standby; ``turn`` where it has none."""
    flags: list[str] = []
    """``clamped``, ``merged``, ``shifted``, ``split``: how its placement differs from when due."""


class Turn(Record):
    """One turn: what the user says with a segment, and the state (and text) of the answer."""

    index: int
    start_s: Seconds
    end_s: Seconds
    frame_s: Seconds
    state: State
    transition: bool = False
    """The state is not that of the turn before; the first turn of a dialogue always counts."""
    question: str = ""
    text: str = ""
    qids: list[str] = []
    rids: list[str] = []
    answers: list[str] = []
    """The question that each response of ``rids`` answers, in that order."""
    flags: list[str] = []
    """Those of its responses; ``late_question`` where one is asked after the end of the video,
    ``carried`` where one was asked in an earlier window."""
    loss: bool | None = None
    """Whether the turn is learned from; null where no preset of weights was applied."""
    loss_scale: float | None = None
    """How much it counts where it is."""


class DialogueHead(Record):
    """What a dialogue is about, without what is said in it."""

    sample_id: str
    video_id: str
    task: str
    """Of its annotation; ``mixed`` where there are several tasks in it."""
    aspect: str
    source: str
    licence: str
    split: str
    sha256: str
    """Of the video file, so that who may not be given the video can know that it is the same."""
    uri: str
    clip_start_s: Seconds
    clip_end_s: Seconds | None
    duration_s: Seconds
    width: int
    """Pixels as displayed; 0 where nobody looked."""
    height: int
    turns_per_s: float
    whole_id: str = ""
    """The sample that this one is a window of; empty where it is whole."""
    context_turns: int = 0
    """So many turns at its beginning repeat the window before: to be read, not learned."""
    n_silence: int
    """Turns in silence, leaving out what repeats the window before; so with the other two."""
    n_standby: int
    n_response: int
    n_tail: int
    """Of the silent ones, those at the end, in which nothing is asked either."""
    annotation_ids: list[str]


class Dialogue(DialogueHead):
    """One training sample: a video, or a window of it, as turns, made from annotations of it."""

    models: list[str]
    """All that wrote or verified it, each ``model@revision`` once; empty when a dataset said it."""
    origins: list[str] = []
    """Who wrote what a dataset said of it, each of ``human``, ``model``, ``asr`` once."""
    parent_ids: list[str]
    """What the annotations were made from: events, or the requests that found them."""
    checks: list[Check]
    provenance: list[Provenance]
    """Every model call that had a part in it, first to last; empty when a dataset said it."""
    questions: list[AskedQuestion]
    responses: list[PlacedResponse]
    """In the order in which they are said."""
    turns: list[Turn]


class TaskMixture(Record):
    """What of one task is to go into the corpus: about the dataset, not about a video."""

    task: str
    samples: int
    """So many there are."""
    drawn: int
    """So many go in: those whose lot is at most ``last_rank``."""
    last_rank: str
    seed: int
    """That the lots were drawn with."""
    silence: Literal["keep", "trim", "mask"]
    """What is done with silence that is too much: see the stage ``plan_mixture``."""
    cut: Ratio
    """The share that goes of the silence that can go; one value for all tasks."""
    n_silence: int
    """Turns to learn from in what goes in, once silence is cut; to rounding."""
    n_standby: int
    n_response: int


class ShardFile(Record):
    """One file of the corpus, path relative to the corpus folder."""

    path: str
    sha256: str
    size_bytes: int
    rows: int
    task: str = ""
    split: str = ""
