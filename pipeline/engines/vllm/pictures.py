"""Stored frames as pixels."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from pipeline.engines.base import Frame
from pipeline.engines.http.faults import RequestError

PIXEL_BYTES = 24
"""Of a pixel on its way to a model: three colours as float32, each frame twice over for time."""


def size_bytes(frames: Sequence[Frame], max_pixels: int | None) -> int:
    """The memory that frames take at most, by their headers.

    Raises:
        RequestError: a frame is no picture.
    """
    total = 0
    for frame in frames:
        with _opened(frame) as picture:
            pixels = picture.width * picture.height
        total += (min(pixels, max_pixels) if max_pixels else pixels) * PIXEL_BYTES
    return total


def images_of(frames: Sequence[Frame]) -> list[Image.Image]:
    """The frames, decoded.

    Raises:
        RequestError: a frame cannot be decoded.
    """
    return [_decoded(frame) for frame in frames]


def video_of(frames: Sequence[Frame]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The frames as one array: number, height, width, red-green-blue.

    Raises:
        RequestError: a frame cannot be decoded, or they differ in size.
    """
    pictures = images_of(frames)
    if len({picture.size for picture in pictures}) > 1:
        raise RequestError("bad_request", "the frames of a video differ in size")
    return np.stack([np.asarray(picture) for picture in pictures])


def _opened(frame: Frame) -> Image.Image:
    try:
        return Image.open(BytesIO(frame.jpeg))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        raise _no_picture(frame) from None


def _decoded(frame: Frame) -> Image.Image:
    with _opened(frame) as picture:
        try:
            return picture.convert("RGB")
        except (OSError, ValueError, SyntaxError):
            raise _no_picture(frame) from None


def _no_picture(frame: Frame) -> RequestError:
    return RequestError("bad_request", f"the frame at {frame.time_s:.2f} s is no picture")
