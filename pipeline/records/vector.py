"""What a video looks like and what is said of it, as an embedder has it."""

from __future__ import annotations

from typing import Literal

from pipeline.records.base import THIS_CALL, Coordinate, Provenance, Record, Seconds
from pipeline.records.video import Video


class VideoCaption(Record):
    """What a whole video shows, in a sentence or a few."""

    video_id: str = ""
    caption: str
    provenance: Provenance | None
    """The model call that wrote it; null where it comes from a dataset, whose ``origin`` is set."""
    origin: Literal["human", "model", "asr", ""] = ""
    """Who wrote the dataset's caption; empty where a model of this run did, or nobody knows."""


class VideoVector(Record):
    """The vector of a frame of a video, or of its caption."""

    video_id: str = ""
    of: Literal["frame", "caption"]
    frame_s: Seconds | None = None
    """When the frame was presented; null for a caption."""
    vector: list[Coordinate]
    """Of unit length. How many numbers it has is the model's choice."""
    provenance: Provenance = THIS_CALL


class ClipCaption(Record):
    """What a clip of a stream shows, and why it stands there."""

    caption: str
    provenance: Provenance | None
    origin: Literal["human", "model", "asr", ""] = ""
    """Who wrote it: as in ``VideoCaption``."""
    similarity: float
    """Of its middle frame and its caption, from -1 to 1."""
    link: float | None
    """Of its middle frame and that of the clip before it; null for the first."""


class CaptionedStream(Video):
    """A stream of clips, with the caption of each."""

    captions: tuple[ClipCaption, ...]
