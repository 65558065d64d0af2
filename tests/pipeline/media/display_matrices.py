"""Display matrices of MP4 files: the eight that show a picture upright, mirrored or turned."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

ONE = 1 << 16

AXES = {
    (0, False): (1, 0, 0, 1),
    (90, False): (0, 1, -1, 0),
    (180, False): (-1, 0, 0, -1),
    (270, False): (0, -1, 1, 0),
    (0, True): (-1, 0, 0, 1),
    (90, True): (0, -1, -1, 0),
    (180, True): (1, 0, 0, -1),
    (270, True): (0, 1, 1, 0),
}
"""By degrees clockwise, and whether left and right are exchanged before: where the stored picture's
right and its lower side point, as (right, down) each, from ISO/IEC 14496-12."""


def matrix_of(axes: Sequence[float]) -> tuple[int, ...]:
    """The nine numbers of a matrix with these axes; what it moves does not matter."""
    a, b, c, d = (round(value * ONE) for value in axes)
    return (a, b, 0, c, d, 0, 0, 0, 1 << 30)


def set_display_matrix(path: Path, matrix: Sequence[int]) -> None:
    """Rewrites the matrix in the track header of an MP4 file with one track."""
    content = bytearray(path.read_bytes())
    struct.pack_into(">9i", content, content.index(b"tkhd") + 44, *matrix)
    path.write_bytes(content)
