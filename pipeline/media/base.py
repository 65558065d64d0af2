"""What reading a video means: the seam between the workflow and the decoders.

Time zero of a clip is the presentation time of the frame on screen at ``clip_start_s``; the frame
on screen at a time is the last one presented at or before it. Turn ``i`` shows the frame on screen
at ``i / turns_per_s``; there is a turn for every such time before the end of the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

ReaderName = Literal["auto", "pyav", "decord"]


class MediaError(ValueError):
    """A video that cannot be read. ``reason`` is a short constant, the message says the detail."""

    def __init__(self, reason: str, detail: str) -> None:
        """``detail`` says it for this video."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[MediaError], tuple[str, str]]:
        """Errors cross process borders."""
        return type(self), (self.reason, self.detail)


@dataclass(frozen=True)
class Clip:
    """A video file, or a part of one, in seconds from its first presented frame."""

    uri: str
    clip_start_s: float = 0.0
    clip_end_s: float | None = None


@dataclass(frozen=True)
class Probe:
    """What a clip holds. Sizes are as displayed, after rotation."""

    duration_s: float
    width: int
    height: int
    rotation_deg: int
    codec: str
    frame_rate: float
    sha256: str


@dataclass(frozen=True)
class Header:
    """What a container says of its frames, as OpenCV reads it. Neither need be true."""

    frames: int
    rate: float
    """Frames a second."""


@dataclass(frozen=True)
class Still:
    """One turn's frame: its presentation time from time zero of the clip, and the encoded image."""

    frame_s: float
    jpeg: bytes


@dataclass(frozen=True)
class StillsRequest:
    """Which frames are wanted, and how they are to be encoded."""

    turns_per_s: float = 1.0
    longer_px: int = 448
    """The longer side; a smaller frame is not enlarged."""
    jpeg_quality: int = 90
    reader: ReaderName = "auto"


@dataclass(frozen=True)
class Limits:
    """What reading one video may take; each has a reason of its own where it takes more.

    The defaults let through hours of film in 8K, and refuse what no camera makes.
    """

    timeout_s: float = 600.0
    """Wall clock, after which the process that reads is killed."""
    max_file_bytes: int = 64 << 30
    max_frame_pixels: int = 8192 * 8192
    """Of a picture as stored, however small it is wanted. 8K is half as many, 16K twice."""
    max_frames: int = 5_000_000
    """Packets of the video stream: 23 hours at 60 frames a second."""
    memory_bytes: int = 4 << 30
    """What the process that reads may take up for a video, its frames and their JPEGs."""


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class FileFactsRequest:
    """What is wanted of a whole file, without each of its frames."""

    content: bool = False
    """The digest of its bytes, which need not be those of a video."""
    length: bool = False
    frames: int = 0
    """Difference hashes of so many frames, evenly spaced."""


@dataclass(frozen=True)
class FileFacts:
    """What was wanted of a file; None and empty where it was not."""

    sha256: str = ""
    duration_s: float | None = None
    hashes: tuple[int | None, ...] = ()
    """In order of time, 64 bits each; None for a frame that is too flat to tell from others."""


class Media(Protocol):
    """Reads videos. Whatever a damaged file does to a decoder stays with that file."""

    def probe(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
        """Raises MediaError when the clip holds no readable video, or takes more than it may."""
        ...

    def header(self, clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Header:
        """Of the whole file, to compare with tools that go by it. Raises MediaError."""
        ...

    def stills(
        self, clip: Clip, request: StillsRequest, limits: Limits = DEFAULT_LIMITS
    ) -> Sequence[Still]:
        """One still a turn, in order of time.

        Raises:
            MediaError: the clip holds no readable video, or takes more than it may.
        """
        ...
