"""Videos, their source annotations, and the segments they are cut into."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pipeline.records.base import Levels, Record, Seconds


class SourceAnnotation(Record):
    """A dataset's own annotation of a video: a question and its answer, or a described span.

    A ``step`` is a described span of a procedure; the steps of a procedure belong together.
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
    """The resolution of its times, such as 5 where annotators chose among chunks of 5 s; 0 where
    times are exact."""
    annotator: str = ""
    """Which of several people, or which model, where the dataset states it."""
    origin: Literal["human", "model", "asr", ""] = ""
    """Who wrote it; empty where unknown."""
    pointer: str = ""
    """Its place in the dataset: the file, ``#``, and the keys from the top joined by ``/``."""
    raw: str = ""
    """The dataset's own values of those fields that were changed, as a JSON object."""


class ListedClip(Record):
    """A clip of a file, as a manifest lists it among those of a stream."""

    uri: str
    clip_start_s: Seconds = 0.0
    clip_end_s: Seconds | None = None
    source: str = ""
    """Where it is another than that of the row; so too the licence."""
    licence: str = ""


class StreamClip(ListedClip):
    """One clip of a stream, which was probed. Source and licence are its own in any case."""

    video_id: str
    """The video that it was in the run, before it became part of the stream."""
    duration_s: Seconds
    """As of a ``Video``: the next clip begins so much later in the stream."""
    sha256: str


class ManifestRow(Record):
    """One video to annotate, as listed in a manifest, before the file is probed.

    It is a clip of one file, or a stream: clips of several files, one after the other.
    """

    video_id: str
    uri: str = ""
    """Empty for a stream, whose clips have their own; bounds too are theirs."""
    platform_id: str = ""
    """Of the whole video where it was published, such as ``youtube:dQw4w9WgXcQ``."""
    identity: str = ""
    """The same text in all rows of the same whole video, whatever their source; empty where
    unknown."""
    clip_start_s: Seconds = 0.0
    clip_end_s: Seconds | None = None
    source: str = ""
    licence: str = ""
    split: str = "train"
    annotations: list[SourceAnnotation] = []
    clips: tuple[ListedClip, ...] = ()
    """Of a stream, in order; empty for a video of one file."""


class Video(ManifestRow):
    """A video that was probed and accepted.

    Of a stream, what is said of the file is said of each of its clips where they agree, and else 0
    or empty; size is that of the largest picture.
    """

    clips: tuple[StreamClip, ...] = ()
    duration_s: Seconds
    """From the first presented frame of the clip to the end of its last, by presentation time; of a
    stream, the sum over its clips."""
    width: int
    """Pixels as displayed, after rotation."""
    height: int
    rotation_deg: int
    """Clockwise, from the stored picture to the displayed one, after mirroring where the file asks
    for it. For information only: frames are as displayed."""
    codec: str
    frame_rate: float
    """Average frames a second, of variable rates too. For information only."""
    sha256: str
    """Of the file; empty for a stream of several."""


class Segment(Record):
    """One turn's worth of a video, ``[start_s, end_s)``, and when its frame was presented."""

    video_id: str
    index: int
    start_s: Seconds
    end_s: Seconds
    frame_s: Seconds
    """Presentation time of the frame, at most ``start_s``."""
    turns_per_s: float = Field(gt=0, allow_inf_nan=False)
    """The rate of all turns of the video; its last may be shorter, or longer where it was merged
    with another."""
    jpeg_sha256: str = ""
    """Of the stored frame; empty where nobody took it."""


class FramedSegment(Segment):
    """A segment with its frame."""

    jpeg: bytes


class TurnFrame(Record):
    """A further frame of a turn, presented after its first."""

    frame_s: Seconds
    jpeg: bytes


class DenseSegment(FramedSegment):
    """A segment with all frames of its turn, for a stage that looks closer than a turn.

    A reader of ``FramedSegment`` loads the first alone.
    """

    further: list[TurnFrame] = []
    """Those after the first, in order of time; each is another frame of the video."""
    changed_levels: Levels | None = None
    """How much the picture changed from the first frame of the turn before to this one's: the mean
    difference of the block that differs most, in levels of 255 (``media/reader/change.py``), of any
    two neighbours and of the ends. None where it is not known, as of a first turn."""
