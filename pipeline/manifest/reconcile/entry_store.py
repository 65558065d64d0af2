"""The entries of a dataset put together by name, on disk: a million of them take no memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from types import TracebackType

from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation
from pipeline.manifest.adapters.layouts import UNASSIGNED
from pipeline.store.files.scratch_db import scratch_base

_APART = {UNASSIGNED: 0, "train": 1, "test": 3}
HELD_OUT = 2
"""From here on a split is not trained on; any that has no name of its own above, as ``val``."""


def apart(split: str) -> int:
    """How much a split is kept apart: ``unassigned``, ``train``, any other, ``test``."""
    return _APART.get(split, HELD_OUT)


@dataclass(frozen=True)
class VideoEntries:
    """All entries of one name, in the order they were read, each with its file.

    ``split`` is the one of theirs that is kept most apart: a video that anybody tests with is no
    video to train on.
    """

    name: str
    split: str
    entries: tuple[tuple[str, Entry], ...]
    unsaid: bool = False
    """No file says its split."""

    @property
    def of_its_split(self) -> Sequence[tuple[str, Entry]]:
        """Those that say so themselves: the others have no part in its row."""
        return [one for one in self.entries if one[1].split == self.split]


def assigned(video: VideoEntries, otherwise: str) -> VideoEntries:
    """Entries whose files say no split, in that of the others; ``otherwise`` where there is none.

    So what is said of a video that is tested with stays with it, and its places too.
    """
    split = otherwise if video.split == UNASSIGNED else video.split
    entries = tuple(
        (file, replace(entry, split=split) if entry.split == UNASSIGNED else entry)
        for file, entry in video.entries
    )
    return VideoEntries(video.name, split, entries, unsaid=video.split == UNASSIGNED)


class EntryStore:
    """Takes entries in any order; gives them back by name."""

    def __init__(self, work: Path) -> None:
        """``work``: a folder of its own to leave them in; who made it removes it."""
        self._base = scratch_base(work / "entries.sqlite")
        self._count = 0

    def __enter__(self) -> EntryStore:
        """Itself, empty."""
        run = self._base.execute
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
            if apart(entry.split) > apart(split):
                run("UPDATE videos SET split = ? WHERE id = ?", (entry.split, video))
        body = json.dumps(asdict(entry))
        run("INSERT INTO entries VALUES (?, ?, ?, ?)", (video, self._count, file, body))
        self._count += 1

    def video(self) -> Iterator[VideoEntries]:
        """By name, in the order in which the names were first read."""
        rows = self._base.execute(
            "SELECT video, name, split, file, entry FROM entries JOIN videos ON videos.id = video"
            " ORDER BY video, number"
        )
        for (_, name, split), together in groupby(rows, key=lambda row: row[:3]):
            entries = tuple((file, _entry(body)) for *_, file, body in together)
            yield VideoEntries(name, split, entries)


def _entry(body: str) -> Entry:
    """The entry as it was taken: lists of JSON are tuples again."""
    said = json.loads(body)
    places = (Place(p["path"], p["clip"] and tuple(p["clip"])) for p in said["places"])
    told = (RawAnnotation(**{**each, "options": tuple(each["options"])}) for each in said["told"])
    return Entry(**{**said, "places": tuple(places), "told": tuple(told)})
