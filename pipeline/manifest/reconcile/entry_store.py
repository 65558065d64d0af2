"""A store of entries, grouped by the name of their video.

It is a database on disk, so that memory does not grow with the number of entries.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation
from pipeline.manifest.adapters.layouts import UNASSIGNED
from pipeline.store.files.scratch_db import scratch_base

_PRIORITIES = {UNASSIGNED: 0, "train": 1, "test": 3}
HELD_OUT = 2
"""The least priority of splits that are not trained on; that of any split not named above."""

_ENTRIES_AT_ONCE = 1000
# Made once: it takes longer to make one than to write a small value.
_ENCODE = json.JSONEncoder(check_circular=False).encode
_FIELDS = tuple(one.name for one in fields(RawAnnotation))
_OPTIONS = _FIELDS.index("options")
_of_annotation = attrgetter(*_FIELDS)


def split_priority(split: str) -> int:
    """The priority of a split: ``unassigned`` < ``train`` < any other < ``test``. A video in
    several splits belongs to that of the highest priority."""
    return _PRIORITIES.get(split, HELD_OUT)


@dataclass(frozen=True)
class VideoEntries:
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
        return [one for one in self.entries if one[1].split == self.split]


def assigned(video: VideoEntries, otherwise: str) -> VideoEntries:
    """The video with its unassigned entries put in the split of the others, or in ``otherwise``
    where all are unassigned. So annotations and places of a test video stay with it."""
    split = otherwise if video.split == UNASSIGNED else video.split
    entries = tuple(
        (file, replace(entry, split=split) if entry.split == UNASSIGNED else entry)
        for file, entry in video.entries
    )
    return VideoEntries(video.name, split, entries, unassigned=video.split == UNASSIGNED)


class EntryStore:
    """Stores entries in any order; reads them grouped by name."""

    def __init__(self, work: Path) -> None:
        """``work``: a folder for this store alone, which the caller removes."""
        self._base = scratch_base(work / "entries.sqlite")
        self._count = 0
        self._waiting: list[tuple[int | None, int, str, str]] = []

    def __enter__(self) -> EntryStore:
        """Creates the tables."""
        run = self._base.execute
        run("CREATE TABLE videos (id INTEGER PRIMARY KEY, name TEXT UNIQUE, split TEXT)")
        run(
            "CREATE TABLE entries (video INTEGER, number INTEGER, file TEXT, entry TEXT,"
            " PRIMARY KEY (video, number)) WITHOUT ROWID"
        )
        run("BEGIN")
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the store."""
        self._base.close()

    def add(self, entry: Entry, file: str) -> None:
        """Adds an entry of ``file``; its name and split must be valid UTF-8."""
        run = self._base.execute
        found = run("SELECT id, split FROM videos WHERE name = ?", (entry.name,)).fetchone()
        if found is None:
            row = (entry.name, entry.split)
            video = run("INSERT INTO videos (name, split) VALUES (?, ?)", row).lastrowid
        else:
            video, split = found
            if split_priority(entry.split) > split_priority(split):
                run("UPDATE videos SET split = ? WHERE id = ?", (entry.split, video))
        self._waiting.append((video, self._count, file, _packed(entry)))
        self._count += 1
        if len(self._waiting) >= _ENTRIES_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._base.executemany("INSERT INTO entries VALUES (?, ?, ?, ?)", self._waiting)
        self._waiting.clear()

    def videos(self) -> Iterator[VideoEntries]:
        """All videos, in the order in which their names were first added."""
        self._flush()
        rows = self._base.execute(
            "SELECT video, name, split, file, entry FROM entries JOIN videos ON videos.id = video"
            " ORDER BY video, number"
        )
        for (_, name, split), together in groupby(rows, key=lambda row: row[:3]):
            entries = tuple((file, _unpacked(body)) for *_, file, body in together)
            yield VideoEntries(name, split, entries)


def _packed(entry: Entry) -> str:
    """As lists, in the order of the fields: dictionaries would take twice the time."""
    places = [(place.path, place.clip) for place in entry.places]
    annotations = [_of_annotation(one) for one in entry.annotations]
    return _ENCODE((entry.name, places, annotations, entry.split, entry.platform_id))


def _unpacked(body: str) -> Entry:
    """The entry that was packed: lists of JSON become tuples again."""
    name, places, annotations, split, platform_id = json.loads(body)
    return Entry(
        name,
        tuple(Place(path, clip and tuple(clip)) for path, clip in places),
        tuple(map(_annotation, annotations)),
        split,
        platform_id,
    )


def _annotation(values: list[Any]) -> RawAnnotation:
    values[_OPTIONS] = tuple(values[_OPTIONS])
    return RawAnnotation(*values)
