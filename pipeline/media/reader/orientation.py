"""Which way up a picture is shown: the display matrix of a file. Pure."""

from __future__ import annotations

from cmath import phase
from collections.abc import Sequence
from dataclasses import dataclass
from math import degrees

from pipeline.media.base import MediaError

_TOLERANCE_DEG = 1.0
"""As FFmpeg's."""


@dataclass(frozen=True)
class Orientation:
    """How a displayed picture is made of the stored one: mirrored or not, then turned."""

    rotation_deg: int = 0
    """Clockwise: 0, 90, 180 or 270."""
    is_mirrored: bool = False
    """Whether left and right are exchanged before the turn."""


def orientation_of(matrix: Sequence[int]) -> Orientation:
    """What a display matrix asks for: 3 x 3, row by row, as in ISO/IEC 14496-12 and libavutil.

    Only the directions of the picture's axes count. FFmpeg gives a stretch as pixel aspect, and
    shows a picture one of whose axes has no length as it is stored; so do we.

    Raises:
        MediaError: ``unsupported`` where an axis is more than a degree off a quarter turn.
    """
    to_the_right, downwards = complex(*matrix[0:2]), complex(*matrix[3:5])
    if not (to_the_right and downwards):
        return Orientation()
    # The second coordinate grows downwards, so angles are clockwise.
    right_deg, down_deg = degrees(phase(to_the_right)), degrees(phase(downwards))
    quarters = round((down_deg - 90) / 90)
    between_deg = (down_deg - right_deg) % 360
    off_deg = max(abs(down_deg - 90 - 90 * quarters), abs(between_deg % 180 - 90))
    if off_deg > _TOLERANCE_DEG:
        detail = "its display matrix turns by other than quarter turns, or slants the picture"
        raise MediaError("unsupported", detail)
    return Orientation(quarters % 4 * 90, between_deg > 180)
