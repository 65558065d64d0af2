"""Files that show the same, found by hashes of a few of their frames, in one pass over all files.

Two files show the same when they are equally long and most of their frames, taken at the same parts
of their length, look alike. Only files that share a third of the bits of some frame are compared,
and of those only neighbours, so that the cost grows with the number of files and not with its
square.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from statistics import median

from pydantic import BaseModel, ConfigDict, Field

from pipeline.manifest.reconcile.union_find import UnionFind
from pipeline.store.files.scratch_db import scratch_base

FRAMES = 8
"""Hashed of each file."""
_BANDS = ((0, 21), (21, 21), (42, 22))
"""First bit and number of bits: hashes that differ in two bits agree in one of three bands."""
_NEIGHBOURS = 32
"""Files of one band that each is compared with at most: skies and studios fill some of them."""
_STORED = struct.Struct(f">d{FRAMES}QB")


class SameFrames(BaseModel):
    """When two files show the same: keys of ``same_frames`` of a combination."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    bits: float = Field(
        5,
        ge=0,
        le=64,
        description="of 64, in which a frame differs from its fellow, as median of all frames."
        " Copies in other sizes, rates and codecs were 0 to 5 apart, two stretches of one fixed"
        " camera 6.5, other videos more than 20. A median, because a cut beside the frame makes"
        " one frame another",
    )
    fewest: int = Field(
        4,
        ge=1,
        le=FRAMES,
        description=f"so many of the {FRAMES} frames must be no flat ones, in both files at once",
    )
    length_s: float = Field(0.5, ge=0, description="by which lengths may differ, or")
    length_part: float = Field(
        0.01, ge=0, description="of the longer length: frames at the same part of other lengths"
    )


Seen = tuple[float, tuple[int | None, ...]]
"""Length in seconds, and the hashes of the frames."""


def alike(one: Seen, other: Seen, rule: SameFrames) -> bool:
    """Whether two files show the same."""
    lengths = one[0], other[0]
    if abs(one[0] - other[0]) > max(rule.length_s, rule.length_part * max(lengths)):
        return False
    pairs = zip(one[1], other[1], strict=True)
    apart = [(a ^ b).bit_count() for a, b in pairs if a is not None and b is not None]
    return len(apart) >= rule.fewest and median(apart) <= rule.bits


class FrameIndex:
    """What was seen of files, on disk; they are numbered in the order in which they come."""

    def __init__(self, work: Path) -> None:
        """``work``: a folder to leave it in; who made it removes it."""
        self._base = scratch_base(work / "frames.sqlite")
        run = self._base.execute
        run("CREATE TABLE seen (file INTEGER PRIMARY KEY, path TEXT, frames BLOB)")
        run("CREATE TABLE bands (band INTEGER, hash INTEGER, file INTEGER)")
        run("BEGIN")
        self._count = 0

    def close(self) -> None:
        """Closes the index."""
        self._base.close()

    def add(self, path: str, duration_s: float, hashes: tuple[int | None, ...]) -> None:
        """Takes a file with its ``FRAMES`` hashes."""
        run = self._base.execute
        run("INSERT INTO seen VALUES (?, ?, ?)", (self._count, path, _packed(duration_s, hashes)))
        rows = [
            (place << 24 | number << 22 | (value >> first) % (1 << bits), _signed(value))
            for place, value in enumerate(hashes)
            if value is not None
            for number, (first, bits) in enumerate(_BANDS)
        ]
        self._base.executemany(
            f"INSERT INTO bands VALUES (?, ?, {self._count})",
            rows,
        )
        self._count += 1

    def groups(self, rule: SameFrames) -> Iterator[tuple[str, str]]:
        """A key and a path, of every file that has enough frames to tell it by; files that show the
        same have one key."""
        unions = UnionFind(self._count)
        # Of files that are the same to the byte there may be any number: they need no neighbour.
        before: tuple[bytes, int] | None = None
        query = "SELECT frames, file FROM seen ORDER BY frames"
        for frames, file in self._base.execute(query):
            if before is not None and before[0] == frames and _tells(frames, rule):
                unions.join(before[1], file)
            before = frames, file
        self._base.execute("CREATE INDEX by_band ON bands (band, hash, file)")
        rows = self._base.execute(
            "SELECT band, bands.file, frames FROM bands JOIN seen ON seen.file = bands.file"
            " ORDER BY band, hash, bands.file"
        )
        for _, band in groupby(rows, key=lambda row: row[0]):
            held: list[tuple[int, Seen]] = []
            for _, file, frames in band:
                seen = _unpacked(frames)
                for other, others in held:
                    if unions.group(other) != unions.group(file) and alike(seen, others, rule):
                        unions.join(other, file)
                held = [*held[1 - _NEIGHBOURS :], (file, seen)]
        # A key must not depend on the order of the files: it is that of the least of the group.
        self._base.execute("CREATE TABLE keys (least INTEGER PRIMARY KEY, frames BLOB)")
        for frames, file in self._base.execute("SELECT frames, file FROM seen ORDER BY frames"):
            row = (unions.group(file), frames)
            self._base.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", row)
        for frames, file, path in self._base.execute("SELECT frames, file, path FROM seen"):
            if _tells(frames, rule):
                query = "SELECT frames FROM keys WHERE least = ?"
                (key,) = self._base.execute(query, (unions.group(file),)).fetchone()
                yield f"frames:{hashlib.sha256(key).hexdigest()[:32]}", path


def _tells(frames: bytes, rule: SameFrames) -> bool:
    return sum(value is not None for value in _unpacked(frames)[1]) >= rule.fewest


def _packed(duration_s: float, hashes: tuple[int | None, ...]) -> bytes:
    flat = sum(1 << place for place, value in enumerate(hashes) if value is None)
    return _STORED.pack(duration_s, *(value or 0 for value in hashes), flat)


def _unpacked(frames: bytes) -> Seen:
    duration_s, *hashes, flat = _STORED.unpack(frames)
    return duration_s, tuple(
        None if flat >> place & 1 else value for place, value in enumerate(hashes)
    )


def _signed(value: int) -> int:
    """As SQLite holds 64 bits; only the order of equal bits matters."""
    return value - (1 << 64) if value >> 63 else value
