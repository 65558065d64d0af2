"""The bytes on this machine that are one video: a file, or a slice of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Slice:
    """Bytes ``start`` to ``end`` (not included) of a file, as a video of their own."""

    path: Path
    start: int
    end: int

    def __str__(self) -> str:
        """The address by which libavformat opens it, with the protocol ``subfile``."""
        return f"subfile,,start,{self.start},end,{self.end},,:{self.path}"


File = Path | Slice
"""``str`` of it is what libavformat opens."""


def chunks(file: File) -> Iterator[bytes]:
    """The content, in pieces."""
    slice_ = Slice(file, 0, file.stat().st_size) if isinstance(file, Path) else file
    left = slice_.end - slice_.start
    with slice_.path.open("rb") as source:
        source.seek(slice_.start)
        while left and (chunk := source.read(min(left, _CHUNK_BYTES))):
            left -= len(chunk)
            yield chunk
