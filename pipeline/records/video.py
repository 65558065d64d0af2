"""Videos, and the turns they are cut into."""

from __future__ import annotations

from typing import Literal

from pipeline.records.base import Record, Seconds


class SourceAnnotation(Record):
    """What a dataset already says about a video: a question and its answer, or a described span.

    A ``step`` is a described span of a procedure, whose steps are told together.
    """

    kind: Literal["qa", "event", "step"]
    text: str
    """The answer, or the caption of the span."""
    question: str = ""
    options: list[str] = []
    asked_s: Seconds | None = None
    start_s: Seconds | None = None
    end_s: Seconds | None = None
    resolution_s: Seconds = 0.0
    """What its annotators could tell apart, as the 5 s of one that chose among chunks; 0 where
    times are exact."""
    annotator: str = ""
    """Who of several, or which model, where the dataset says."""
    origin: Literal["human", "model", "asr", ""] = ""
    """Who wrote it; empty where nobody says."""
    pointer: str = ""
    """Where the dataset says it: its file, ``#``, and the keys from the top joined by ``/``."""
    raw: str = ""
    """What the dataset has in place of those fields that differ from it, as a JSON object."""


class ManifestRow(Record):
    """One video to annotate, as a manifest lists it, before anybody has looked at the file."""

    video_id: str
    uri: str
    platform_id: str = ""
    """Of the whole video where it was published, such as ``youtube:dQw4w9WgXcQ``."""
    identity: str = ""
    """The same text in rows whose whole video is the same, wherever they come from; empty where
    nothing is known of that."""
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
