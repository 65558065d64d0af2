"""Finds near-duplicate files by perceptual hashes of a few of their frames.

Two files are near duplicates when they are equally long and most of their frames, taken at the same
fractions of their lengths, look alike. Only files that share a third of the bits of some hash are
compared, and of those only neighbours, so that the cost grows linearly with the number of files.
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
"""Frames hashed of each file."""
_BANDS = ((0, 21), (21, 21), (42, 22))
"""First bit and number of bits of each band: hashes that differ in two bits share a band."""
_NEIGHBOURS = 32
"""The most files of one band that a file is compared with; frames of sky fill some bands."""
_STORED = struct.Struct(f">d{FRAMES}QB")


class SameFrames(BaseModel):
    """When two files are near duplicates: the keys of ``same_frames`` of a combination."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    bits: float = Field(
        5,
        ge=0,
        le=64,
        description="the most of 64 in which frames differ, as the median over all frames. Copies"
        " in other sizes, rates and codecs differed in 0 to 5, two parts of one fixed camera in"
        " 6.5, other videos in more than 20. The median, because a cut beside a frame changes"
        " that frame",
    )
    fewest: int = Field(
        4,
        ge=1,
        le=FRAMES,
        description=f"the least of the {FRAMES} frames that are not flat in both files at once",
    )
    length_s: float = Field(0.5, ge=0, description="by which lengths may differ, in seconds, or")
    length_part: float = Field(
        0.01, ge=0, description="by which they may differ, as a part of the longer length"
    )


FrameHashes = tuple[float, tuple[int | None, ...]]
"""Length in seconds, and the hash of each frame; None for a flat one."""


def alike(one: FrameHashes, other: FrameHashes, rule: SameFrames) -> bool:
    """Whether two files are near duplicates."""
    lengths = one[0], other[0]
    if abs(one[0] - other[0]) > max(rule.length_s, rule.length_part * max(lengths)):
        return False
    pairs = zip(one[1], other[1], strict=True)
    distances = [(a ^ b).bit_count() for a, b in pairs if a is not None and b is not None]
    return len(distances) >= rule.fewest and median(distances) <= rule.bits


class FrameIndex:
    """The hashes of files, in a database on disk; files are numbered in their order."""

    def __init__(self, work: Path) -> None:
        """``work``: a folder for the database, which the caller removes."""
        self._base = scratch_base(work / "frames.sqlite")
        run = self._base.execute
        run("CREATE TABLE files (file INTEGER PRIMARY KEY, path TEXT, frames BLOB)")
        run("CREATE TABLE bands (band INTEGER, hash INTEGER, file INTEGER)")
        run("BEGIN")
        self._count = 0

    def close(self) -> None:
        """Closes the index."""
        self._base.close()

    def add(self, path: str, duration_s: float, hashes: tuple[int | None, ...]) -> None:
        """Adds a file with its ``FRAMES`` hashes."""
        run = self._base.execute
        run("INSERT INTO files VALUES (?, ?, ?)", (self._count, path, _packed(duration_s, hashes)))
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
        """A key and the path of every file with enough frames that are not flat; near duplicates
        share a key."""
        groups = UnionFind(self._count)
        # There may be more files with equal hashes than neighbours are compared.
        before: tuple[bytes, int] | None = None
        query = "SELECT frames, file FROM files ORDER BY frames"
        for frames, file in self._base.execute(query):
            if before is not None and before[0] == frames and _is_comparable(frames, rule):
                groups.join(before[1], file)
            before = frames, file
        self._base.execute("CREATE INDEX by_band ON bands (band, hash, file)")
        rows = self._base.execute(
            "SELECT band, bands.file, frames FROM bands JOIN files ON files.file = bands.file"
            " ORDER BY band, hash, bands.file"
        )
        for _, band in groupby(rows, key=lambda row: row[0]):
            neighbours: list[tuple[int, FrameHashes]] = []
            for _, file, frames in band:
                hashes = _unpacked(frames)
                for other, others in neighbours:
                    if groups.group(other) != groups.group(file) and alike(hashes, others, rule):
                        groups.join(other, file)
                neighbours = [*neighbours[1 - _NEIGHBOURS :], (file, hashes)]
        # The key is of the least hashes of the group, so that the order of files does not matter.
        self._base.execute("CREATE TABLE keys (least INTEGER PRIMARY KEY, frames BLOB)")
        for frames, file in self._base.execute("SELECT frames, file FROM files ORDER BY frames"):
            row = (groups.group(file), frames)
            self._base.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", row)
        for frames, file, path in self._base.execute("SELECT frames, file, path FROM files"):
            if _is_comparable(frames, rule):
                query = "SELECT frames FROM keys WHERE least = ?"
                (key,) = self._base.execute(query, (groups.group(file),)).fetchone()
                yield f"frames:{hashlib.sha256(key).hexdigest()[:32]}", path


def _is_comparable(frames: bytes, rule: SameFrames) -> bool:
    return sum(value is not None for value in _unpacked(frames)[1]) >= rule.fewest


def _packed(duration_s: float, hashes: tuple[int | None, ...]) -> bytes:
    flat = sum(1 << place for place, value in enumerate(hashes) if value is None)
    return _STORED.pack(duration_s, *(value or 0 for value in hashes), flat)


def _unpacked(frames: bytes) -> FrameHashes:
    duration_s, *hashes, flat = _STORED.unpack(frames)
    return duration_s, tuple(
        None if flat >> place & 1 else value for place, value in enumerate(hashes)
    )


def _signed(value: int) -> int:
    """The same 64 bits as a signed integer, which SQLite can store."""
    return value - (1 << 64) if value >> 63 else value
