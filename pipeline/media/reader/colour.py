"""What the code values of a video's pictures stand for, by the code points of ITU-T H.273. Pure.

Matrix and range are those that the file states; a file that states no matrix has BT.601's, as
FFmpeg takes it, whatever its size. What comes out is R'G'B' as it was encoded: primaries and
transfer of SDR pictures are not converted. Those of HDR pictures are, in ``tone_mapping``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from pipeline.media.base import MediaError

Hdr = Literal["pq", "hlg"]

UNSPECIFIED = 2
_BT2020 = 9
"""Of primaries, and of matrices the one with non-constant luminance."""
_HDR: Mapping[int, Hdr] = MappingProxyType({16: "pq", 18: "hlg"})
_MATRICES = frozenset({0, 1, UNSPECIFIED, 4, 5, 6, 7, _BT2020})
"""What libswscale converts from: R'G'B', BT.709, FCC, BT.601 (two), SMPTE 240M, BT.2020."""


@dataclass(frozen=True)
class Colour:
    """Code points of a video's colour primaries, transfer characteristics and matrix."""

    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    matrix: int = UNSPECIFIED
    is_added: bool = False
    """Whether the frames themselves do not state all of it."""

    @property
    def hdr(self) -> Hdr | None:
        """The transfer of BT.2100 that a picture has; None where it is SDR."""
        return _HDR.get(self.transfer)


def colour_of(in_frame: Colour, in_container: Colour) -> Colour:
    """What a frame states about itself, else what its container does, else what BT.2100 says.

    Raises:
        MediaError: ``unsupported`` where it cannot be converted to RGB of BT.709.
    """
    transfer = _stated(in_frame.transfer, in_container.transfer)
    primaries = _stated(in_frame.primaries, in_container.primaries)
    matrix = _stated(in_frame.matrix, in_container.matrix)
    if transfer in _HDR:
        primaries, matrix = _stated(primaries, _BT2020), _stated(matrix, _BT2020)
        if primaries != _BT2020:
            detail = f"HDR with the primaries {primaries} of ITU-T H.273, not those of BT.2020"
            raise MediaError("unsupported", detail)
    if matrix not in _MATRICES:
        detail = f"the matrix {matrix} of ITU-T H.273 cannot be converted to RGB"
        raise MediaError("unsupported", detail)
    known = Colour(primaries, transfer, matrix)
    return replace(known, is_added=known != in_frame)


def _stated(code: int, otherwise: int) -> int:
    return otherwise if code == UNSPECIFIED else code
