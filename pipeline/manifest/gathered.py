"""The entries of a dataset put together by name, on disk: a million of them take no memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from types import TracebackType

from pipeline.manifest.entry import Entry, Place, Told

_APART = {"unassigned": 0, "train": 1, "test": 3}
"""How much a split is kept apart; any other, as ``val``, stands before ``test``."""
_OTHER = 2


@dataclass(frozen=True)
class Gathered:
    """All entries of one name, in the order they were read, each with its file.

    ``split`` is the one of theirs that is kept most apart: a video that anybody tests with is no
    video to train on.
    """

    name: str
    split: str
    entries: tuple[tuple[str, Entry], ...]


class EntryStore:
    """Takes entries in any order; gives them back by name."""

    def __init__(self, work: Path) -> None:
        """``work``: a folder to leave them in; who made it removes it."""
        self._base = sqlite3.connect(work / "entries.sqlite", isolation_level=None)
        self._count = 0

    def __enter__(self) -> EntryStore:
        """Itself, empty."""
        run = self._base.execute
        run("PRAGMA journal_mode = OFF")
        run("PRAGMA synchronous = OFF")
        run("CREATE TABLE videos (id INTEGER PRIMARY KEY, name TEXT UNIQUE, split TEXT)")
        run(
            "CREATE TABLE entries (video INTEGER, number INTEGER, file TEXT, entry TEXT,"
            " PRIMARY KEY (video, number)) WITHOUT ROWID"
        )
        run("BEGIN")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the store."""
        self._base.close()

    def add(self, entry: Entry, file: str) -> None:
        """Takes an entry of ``file``; its name and split are texts that UTF-8 can hold."""
        run = self._base.execute
        found = run("SELECT id, split FROM videos WHERE name = ?", (entry.name,)).fetchone()
        if found is None:
            row = (entry.name, entry.split)
            video = run("INSERT INTO videos (name, split) VALUES (?, ?)", row).lastrowid
        else:
            video, split = found
            if _APART.get(entry.split, _OTHER) > _APART.get(split, _OTHER):
                run("UPDATE videos SET split = ? WHERE id = ?", (entry.split, video))
        body = json.dumps(asdict(entry))
        run("INSERT INTO entries VALUES (?, ?, ?, ?)", (video, self._count, file, body))
        self._count += 1

    def gathered(self) -> Iterator[Gathered]:
        """By name, in the order in which the names were first read."""
        rows = self._base.execute(
            "SELECT video, name, split, file, entry FROM entries JOIN videos ON videos.id = video"
            " ORDER BY video, number"
        )
        for (_, name, split), together in groupby(rows, key=lambda row: row[:3]):
            entries = tuple((file, _entry(body)) for *_, file, body in together)
            yield Gathered(name, split, entries)


def _entry(body: str) -> Entry:
    """The entry as it was taken: lists of JSON are tuples again."""
    said = json.loads(body)
    places = (Place(p["path"], p["clip"] and tuple(p["clip"])) for p in said["places"])
    told = (Told(**{**each, "options": tuple(each["options"])}) for each in said["told"])
    return Entry(**{**said, "places": tuple(places), "told": tuple(told)})
