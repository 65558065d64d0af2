"""A store of entries, grouped by the name of their video.

It is a database on disk, so that memory does not grow with the number of entries.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation
from pipeline.manifest.adapters.layouts import UNASSIGNED
from pipeline.store.files.scratch_db import scratch_base

_PRIORITIES = {UNASSIGNED: 0, "train": 1, "test": 3}
HELD_OUT = 2
"""The least priority of splits that are not trained on; that of any split not named above."""

_ENTRIES_AT_ONCE = 1000


def split_priority(split: str) -> int:
    """The priority of a split: ``unassigned`` < ``train`` < any other < ``test``. A video in
    several splits belongs to that of the highest priority."""
    return _PRIORITIES.get(split, HELD_OUT)


class VideoEntries(NamedTuple):
    """All entries of one name, in the order in which they were read, each with its file.

    ``split`` is the one of highest priority among theirs: a video that is tested with anywhere is
    not trained on.
    """

    name: str
    split: str
    entries: tuple[tuple[str, Entry], ...]
    unassigned: bool = False
    """No file has its split."""

    @property
    def of_its_split(self) -> Sequence[tuple[str, Entry]]:
        """The entries of that split; the others are no part of the row."""
        if len(self.entries) == 1:
            return self.entries
        return [one for one in self.entries if one[1].split == self.split]


def assigned(video: VideoEntries, otherwise: str) -> VideoEntries:
    """The video with its unassigned entries put in the split of the others, or in ``otherwise``
    where all are unassigned. So annotations and places of a test video stay with it."""
    if len(video.entries) == 1 and video.split != UNASSIGNED:
        return video
    split = otherwise if video.split == UNASSIGNED else video.split
    entries = tuple(
        (file, entry._replace(split=split) if entry.split == UNASSIGNED else entry)
        for file, entry in video.entries
    )
    return VideoEntries(video.name, split, entries, unassigned=video.split == UNASSIGNED)


class EntryStore:
    """Stores entries in any order; reads them grouped by name."""

    def __init__(self, work: Path) -> None:
        """``work``: a folder for this store alone, which the caller removes."""
        self._base = scratch_base(work / "entries.sqlite", page_bytes=1 << 15)
        self._count = 0
        self._waiting: list[tuple[int, str, str, bytes, bytes]] = []
        self._ordered = False

    def __enter__(self) -> EntryStore:
        """Creates the table."""
        run = self._base.execute
        run(
            "CREATE TABLE entries (number INTEGER PRIMARY KEY, name TEXT, file TEXT, head BLOB,"
            " annotations BLOB)"
        )
        run("BEGIN")
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the store."""
        self._base.close()

    def add(self, entry: Entry, file: str) -> None:
        """Adds an entry of ``file``, before any is read; its name must be valid UTF-8."""
        self._waiting.append((self._count, entry.name, file, *_packed(entry)))
        self._count += 1
        if len(self._waiting) >= _ENTRIES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._base.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()

    def videos(self, *, annotated: bool = True) -> Iterator[VideoEntries]:
        """All videos, in the order in which their names were first added. Where ``annotated`` is
        false, no entry has its annotations, for they are most of what is read."""
        self._order()
        run = self._base.execute
        bodies = "head, annotations" if annotated else "head, NULL"
        if run("SELECT 1 FROM places LIMIT 1").fetchone() is None:
            rows = run(f"SELECT name, file, {bodies} FROM entries ORDER BY number")
            for name, file, *body in rows:
                entry = _unpacked(name, *body)
                yield VideoEntries(name, entry.split, ((file, entry),))
            return
        rows = run(
            f"SELECT first, name, file, {bodies} FROM places CROSS JOIN entries USING (number)"
            " ORDER BY first, number"
        )
        for _, together in groupby(rows, key=itemgetter(0)):
            entries = tuple((file, _unpacked(name, *body)) for _, name, file, *body in together)
            split = max((entry.split for _, entry in entries), key=split_priority)
            yield VideoEntries(entries[0][1].name, split, entries)

    def _order(self) -> None:
        """Finds the place of each entry: behind the first of its name. Left empty where all names
        differ, for then entries are in order as they are."""
        if self._ordered:
            return
        self._flush()
        run = self._base.execute
        run("CREATE INDEX by_name ON entries (name, number)")
        run(
            "CREATE TABLE places (first INTEGER, number INTEGER, PRIMARY KEY (first, number))"
            " WITHOUT ROWID"
        )
        names, entries = run("SELECT count(DISTINCT name), count(*) FROM entries").fetchone()
        if names < entries:
            run(
                "INSERT INTO places SELECT min(number) OVER (PARTITION BY name) AS first, number"
                " FROM entries ORDER BY first, number"
            )
        self._ordered = True


_new = tuple.__new__
"""Like ``_make`` of a named tuple, in half of its time: what was packed has the right length."""


def _packed(entry: Entry) -> tuple[bytes, bytes]:
    """The entry without its annotations, and these, as plain tuples, which ``marshal`` writes; only
    this process reads them again."""
    places, annotations = list(map(tuple, entry.places)), list(map(tuple, entry.annotations))
    return marshal.dumps((places, entry.split, entry.platform_id)), marshal.dumps(annotations)


def _unpacked(name: str, head: bytes, annotations: bytes | None) -> Entry:
    """The entry that was packed; without annotations where they are None."""
    places, split, platform_id = marshal.loads(head)
    found = marshal.loads(annotations) if annotations else ()
    return Entry(
        name,
        tuple([_new(Place, place) for place in places]),
        tuple([_new(RawAnnotation, one) for one in found]),
        split,
        platform_id,
    )
