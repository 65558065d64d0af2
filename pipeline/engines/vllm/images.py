"""Decodes stored frames."""

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
"""Of a pixel as a model gets it: three colours as float32, and each frame twice."""
RECENT_FRAMES = 128
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""Raised by Pillow for bytes that are no complete image."""


def size_bytes(frames: Sequence[Frame], max_pixels: int | None) -> int:
    """The most memory that frames take, from the sizes in their headers.

    Raises:
        RequestError: a frame is no image.
    """
    total = 0
    for frame in frames:
        try:
            with _opened(frame.jpeg) as image:
                pixels = image.width * image.height
        except UNREADABLE:
            raise _no_image(frame) from None
        total += (min(pixels, max_pixels) if max_pixels else pixels) * PIXEL_BYTES
    return total


def images_of(frames: Sequence[Frame]) -> list[Image.Image]:
    """The frames, decoded. They are shared between callers; do not change them.

    Raises:
        RequestError: a frame cannot be decoded.
    """
    images = []
    for frame in frames:
        try:
            images.append(_decoded(frame.jpeg))
        except UNREADABLE:
            raise _no_image(frame) from None
    return images


def video_of(frames: Sequence[Frame]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The frames as one array: number, height, width, red-green-blue.

    Raises:
        RequestError: a frame cannot be decoded, or they differ in size.
    """
    images = images_of(frames)
    if len({image.size for image in images}) > 1:
        raise RequestError("bad_request", "the frames of a video differ in size")
    return np.stack([np.asarray(image) for image in images])


def _opened(jpeg: bytes) -> Image.Image:
    return Image.open(BytesIO(jpeg))


# Windows overlap: the next ask has most of these frames again.
@lru_cache(maxsize=RECENT_FRAMES)
def _decoded(jpeg: bytes) -> Image.Image:
    with _opened(jpeg) as image:
        return image.convert("RGB")


def _no_image(frame: Frame) -> RequestError:
    return RequestError("bad_request", f"the frame at {frame.time_s:.2f} s is no image")
