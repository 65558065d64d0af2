"""How much one frame differs from another, so that noise and compression count little. Pure."""

from __future__ import annotations

import cv2

from pipeline.media.reader.packet_index import Image
from pipeline.media.reader.stills import target_size

LONGER_PX = 80
"""The longer side of what is compared: noise goes in the mean of so many pixels."""
BLOCK_PX = 3
"""Side of a block, a 27th of the picture's: what is much smaller is hardly seen at 448 pixels."""


def reduced(image: Image) -> Image:
    """The picture as it is compared."""
    height, width, _ = image.shape
    size = target_size((width, height), LONGER_PX)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype("uint8", copy=False)


def changed_levels(before: Image, after: Image) -> float:
    """The mean difference of the block that differs most, wherever it lies, in its strongest
    colour: levels of 255, to a hundredth. Both are ``reduced`` frames of one size.

    A block, since what changes is mostly small: the mean of the whole picture would not show it.
    """
    blocks = cv2.boxFilter(cv2.absdiff(before, after), cv2.CV_32F, (BLOCK_PX, BLOCK_PX))
    return round(float(blocks.max()), 2)
