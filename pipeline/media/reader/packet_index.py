"""The packets of a video file, and the interface of the readers that decode its frames."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.media.base import Limits, MediaError
from pipeline.media.reader.colour import Colour
from pipeline.media.reader.orientation import Orientation
from pipeline.media.reader.slice import File

Image = npt.NDArray[np.uint8]
"""RGB, [height, width, 3], contiguous."""
Size = tuple[int, int]
"""Width and height in pixels."""
Flags = npt.NDArray[np.bool_]
Ticks = npt.NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class PacketIndex:
    """The packets of a file's video stream, one array element each, in decoding order.

    Times are the container's, in ticks of ``time_base``. A packet is not shown when an edit list
    leaves it out, when the format marks its frame as hidden, or when it is at the start of the file
    and refers to a picture before it.
    """

    codec: str
    time_base: Fraction
    size: Size
    """As displayed: square pixels, after rotation."""
    orientation: Orientation
    colour: Colour
    video_streams: int
    pts: Ticks
    is_key: Flags
    is_shown: Flags
    last_ticks: int
    """Duration of the last frame as the container states it; 0 where it states none."""
    is_packed: bool = False
    """Whether packets held several frames each, as DivX puts B-frames into AVI. Here each frame has
    a packet of its own, and ``pts`` are when they are shown, not what the container says."""

    @cached_property
    def shown_pts(self) -> Ticks:
        """Presentation times of the shown frames, ascending, without duplicates."""
        return np.unique(self.pts[self.is_shown])

    @cached_property
    def group(self) -> npt.NDArray[np.intp]:
        """The group of pictures of each packet: 1 from the first keyframe on, 0 before it."""
        return np.cumsum(self.is_key)

    @cached_property
    def is_leading(self) -> Flags:
        """Shown before the keyframe that precedes it: it may refer to the group before."""
        key_pts = np.concatenate([np.array([np.iinfo(np.int64).min]), self.pts[self.is_key]])
        leading: Flags = self.pts < key_pts[self.group]
        return leading


class FrameReader(Protocol):
    """Reads frames by presentation time: the exact frame or an error, never another frame."""

    def __call__(
        self,
        file: File,
        index: PacketIndex,
        wanted: Collection[int],
        size: Size,
        use: Callable[[Image], T],
    ) -> dict[int, T]:
        """``use(image)`` of each wanted frame, by its presentation time in ticks.

        ``wanted`` is a subset of ``index.shown_pts``; images are as displayed, scaled to ``size``,
        and come one at a time in any order.

        Raises:
            MediaError: ``unsupported`` when this reader cannot be exact for this file, ``damaged``
                when a wanted frame cannot be decoded.
        """
        ...


def check_pixels(stored: Size, limits: Limits) -> None:
    """Raises MediaError ``too_many_pixels`` for a picture that is larger than allowed."""
    width, height = stored
    if width * height > limits.max_frame_pixels:
        detail = f"{width} x {height} pixels are more than {limits.max_frame_pixels}"
        raise MediaError("too_many_pixels", detail)
