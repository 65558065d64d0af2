"""The interface between the workflow and the decoders: requests, results, limits, errors.

Time zero of a clip is the presentation time of the frame on screen at ``clip_start_s``. The frame
on screen at a time is the last one presented at or before it. Turn ``i`` shows the frame on screen
at ``i / turns_per_s``, for every such time before the end of the clip, and of ``n`` frames a turn
the others at even steps up to the next turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Literal, Protocol

from pipeline.media.reasons import PASSING, Reason

ReaderName = Literal["auto", "pyav", "decord"]


class MediaError(ValueError):
    """A video that cannot be read, or a place that it cannot be read from."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """``detail``: the message, for people."""
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail

    @property
    def passing(self) -> bool:
        """Whether the place of the video is at fault, and not the video."""
        return self.reason in PASSING

    def __reduce__(self) -> tuple[type[MediaError], tuple[Reason, str]]:
        """For pickle: an error raised in a worker process reaches the runner."""
        return type(self), (self.reason, self.detail)


@dataclass(frozen=True)
class Clip:
    """A video file, or a part of one, in seconds from its first presented frame."""

    uri: str
    clip_start_s: float = 0.0
    clip_end_s: float | None = None


@dataclass(frozen=True)
class Probe:
    """Facts of a clip. Sizes are pixels as displayed.

    The displayed picture is the stored one, mirrored where the file says so, then turned clockwise
    by ``rotation_deg``.
    """

    duration_s: float
    width: int
    height: int
    rotation_deg: int
    codec: str
    frame_rate: float
    sha256: str


@dataclass(frozen=True)
class Header:
    """Frame count and rate that a container states, as OpenCV reads them. They may be wrong."""

    frames: int
    rate: float
    """Frames a second."""


@dataclass(frozen=True)
class Still:
    """A frame of a turn: its presentation time in seconds from time zero, and its JPEG.

    The levels say how much the picture differs (``reader/change.py``) from that of the still before
    it, and from that of a whole turn before; None where there is none in the clip.
    """

    frame_s: float
    jpeg: bytes
    step_levels: float | None = None
    turn_levels: float | None = None


@dataclass(frozen=True)
class StillsRequest:
    """How many frames to read, and how to encode them."""

    turns_per_s: float = 1.0
    longer_px: int = 448
    """The longer side; a smaller frame is not enlarged."""
    jpeg_quality: int = 90
    reader: ReaderName = "auto"
    frames_per_turn: int = 1
    first_s: float = 0.0
    """Seconds from time zero to the first frame: a clip of a stream begins within a turn."""
    frames: int | None = None
    """How many; None for all before the end of the clip."""


TURN_TOLERANCE_S = Fraction(1, 1_000_000)
"""A remainder of the clip this short may be rounding, and makes no turn of its own."""


def frame_times(duration_s: float, turns_per_s: float, frames_per_turn: int = 1) -> list[Fraction]:
    """Seconds of the frames of each turn from time zero, those before the end; at least one.

    Turn ``i`` begins at ``i / turns_per_s``, and its frames are evenly spaced.

    Raises:
        ValueError: the rate is not positive.
    """
    rate = frame_rate(turns_per_s, frames_per_turn)
    frames = ceil((Fraction(duration_s) - TURN_TOLERANCE_S) * rate)
    return [i / rate for i in range(max(1, frames))]


def frame_rate(turns_per_s: float, frames_per_turn: int) -> Fraction:
    """Frames a second of all turns. Raises ValueError where it is not positive."""
    rate = Fraction(turns_per_s).limit_denominator(10_000)
    if rate <= 0:
        raise ValueError(f"turns_per_s must be positive, not {turns_per_s}")
    return rate * frames_per_turn


@dataclass(frozen=True)
class Limits:
    """Limits on reading one video, each with a reason of its own in ``pipeline.media.reasons``.

    The defaults allow hours of film in 8K, and refuse what no camera makes.
    """

    timeout_s: float = 600.0
    """Wall clock, after which the decoder is killed."""
    max_file_bytes: int = 64 << 30
    max_frame_pixels: int = 8192 * 8192
    """Of a picture as stored, before scaling. 8K has half as many, 16K twice."""
    max_frames: int = 5_000_000
    """Packets of the video stream: 23 hours at 60 frames a second."""
    memory_bytes: int = 4 << 30
    """Memory of the decoder for one video, its frames and their JPEGs."""


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class FileFactsRequest:
    """Which facts of a whole file to read."""

    content: bool = False
    """The digest of its bytes, whether or not they are a video."""
    length: bool = False
    """The duration."""
    frames: int = 0
    """Difference hashes of so many frames, evenly spaced."""


@dataclass(frozen=True)
class FileFacts:
    """Facts of a file; those that were not requested are None or empty."""

    sha256: str = ""
    duration_s: float | None = None
    hashes: tuple[int | None, ...] = ()
    """In order of time, 64 bits each; None for a frame too flat to be distinguished."""


class Media(Protocol):
    """Reads videos. A damaged file causes an error for that file only."""

    def probe(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
        """Raises MediaError: the clip holds no readable video, or exceeds a limit."""
        ...

    def header(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Header:
        """Of the whole file, to compare with tools that rely on it. Raises MediaError."""
        ...

    def stills(
        self, clip: Clip, request: StillsRequest, limits: Limits = DEFAULT_LIMITS
    ) -> Sequence[Still]:
        """The stills of each turn, in order of time; fewer of the last where the clip ends in it.

        Raises:
            MediaError: the clip holds no readable video, or exceeds a limit.
        """
        ...
