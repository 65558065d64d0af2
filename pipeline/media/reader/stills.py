"""Size, orientation and encoding of the pictures of turns. Pure."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np

from pipeline.media.reader.orientation import Orientation
from pipeline.media.reader.packet_index import Image, Size


def displayed_size(stored: Size, pixel_aspect: Fraction | None, rotation_deg: int) -> Size:
    """Size with square pixels, after rotation. ``pixel_aspect``: width / height of a pixel."""
    width, height = stored
    if pixel_aspect is not None and pixel_aspect > 0:
        width = max(1, round(width * pixel_aspect))
    return (height, width) if rotation_deg % 180 else (width, height)


def target_size(size: Size, longer_px: int) -> Size:
    """The size scaled in proportion until its longer side is at most ``longer_px``."""
    longer = max(size)
    if longer <= longer_px:
        return size
    width, height = (max(1, round(Fraction(side * longer_px, longer))) for side in size)
    return width, height


def upright(image: Image, orientation: Orientation) -> Image:
    """The stored image as it is displayed."""
    seen = image[:, ::-1] if orientation.is_mirrored else image
    return np.ascontiguousarray(np.rot90(seen, -orientation.rotation_deg // 90))


def encode_jpeg(image: Image, quality: int) -> bytes:
    """The RGB image as a JPEG file."""
    done, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not done:
        raise ValueError(f"cannot encode an image of shape {image.shape}")
    return jpeg.tobytes()
