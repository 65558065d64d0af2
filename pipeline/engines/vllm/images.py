"""Stored frames as pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from pipeline.engines.base import Frame
from pipeline.engines.errors import RequestError

PIXEL_BYTES = 24
"""Of a pixel on its way to a model: three colours as float32, each frame twice over for time."""
RECENT_FRAMES = 128
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises at bytes that are no whole picture."""


def size_bytes(frames: Sequence[Frame], max_pixels: int | None) -> int:
    """The memory that frames take at most, by their headers.

    Raises:
        RequestError: a frame is no picture.
    """
    total = 0
    for frame in frames:
        try:
            with _opened(frame.jpeg) as picture:
                pixels = picture.width * picture.height
        except UNREADABLE:
            raise _no_picture(frame) from None
        total += (min(pixels, max_pixels) if max_pixels else pixels) * PIXEL_BYTES
    return total


def images_of(frames: Sequence[Frame]) -> list[Image.Image]:
    """The frames, decoded. They are shared, and not to be changed.

    Raises:
        RequestError: a frame cannot be decoded.
    """
    pictures = []
    for frame in frames:
        try:
            pictures.append(_decoded(frame.jpeg))
        except UNREADABLE:
            raise _no_picture(frame) from None
    return pictures


def video_of(frames: Sequence[Frame]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The frames as one array: number, height, width, red-green-blue.

    Raises:
        RequestError: a frame cannot be decoded, or they differ in size.
    """
    pictures = images_of(frames)
    if len({picture.size for picture in pictures}) > 1:
        raise RequestError("bad_request", "the frames of a video differ in size")
    return np.stack([np.asarray(picture) for picture in pictures])


def _opened(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg))


# Windows overlap: the next ask shows most of these frames again.
@lru_cache(maxsize=RECENT_FRAMES)
def _decoded(jpeg: bytes) -> Image.Image:
    with _opened(jpeg) as picture:
        return picture.convert("RGB")


def _no_picture(frame: Frame) -> RequestError:
    return RequestError("bad_request", f"the frame at {frame.time_s:.2f} s is no picture")
