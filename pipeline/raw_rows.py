"""What a raw row may be, before anybody knows what it says: no line or row costs all memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

LONGEST_LINE_BYTES = 16 << 20
"""An hour of speech with the time of every word takes less than a tenth of it."""
MOST_KEYS = 1000
"""Of one mapping, and columns of a Parquet file. A manifest has ten."""
MOST_LEVELS = 16
"""More than any manifest needs, and few enough to hand a row to another process."""


def bounded_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number, from 1; None for one that is longer than ``LONGEST_LINE_BYTES``.

    Of such a line no more than that is ever held.
    """
    number = 0
    while line := file.readline(LONGEST_LINE_BYTES + 1):
        number += 1
        whole = len(line) <= LONGEST_LINE_BYTES or line.endswith(b"\n")
        yield number, line if whole else None
        while not whole:
            more = file.readline(LONGEST_LINE_BYTES)
            whole = not more or more.endswith(b"\n")


def shape_problem(value: Any, levels: int = MOST_LEVELS) -> str:
    """Why plain data has no shape of a row; empty when it has."""
    if not isinstance(value, dict | list | tuple):
        return ""
    if levels == 0:
        return f"nested more than {MOST_LEVELS} deep"
    if isinstance(value, dict) and len(value) > MOST_KEYS:
        return f"{len(value)} keys in one mapping are more than {MOST_KEYS}"
    inner = value.values() if isinstance(value, dict) else value
    return next(filter(None, (shape_problem(item, levels - 1) for item in inner)), "")
