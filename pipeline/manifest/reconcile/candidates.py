"""The candidates of a manifest: a database with a row for each video of each source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.manifest.reconcile.entry_store import HELD_OUT, split_priority
from pipeline.store.files.scratch_db import scratch_base

PLATFORM, CONTENT, FRAMES = range(3)
"""Ranks of the kinds of keys: the identity of a video is its first key by rank."""
_NOTHING = (None, None)


class Candidate(NamedTuple):
    """A video of one source, whose entries lie in the store of that source.

    ``status`` is empty while it may have a row, else ``rejected`` or ``left_out``, for ``reason``.
    """

    source: int
    video_id: str
    split: str
    platform_ids: tuple[str, ...]
    """Those of all its entries, of any split."""
    path: str = ""
    """The absolute uri of its file; empty where none was found."""
    clip: tuple[float, float] | None = None
    """Start and end in that file, in seconds; None for all of it."""
    extent: str = ""
    """The part of the whole video that its entries name, as ``start-end``; empty for all of it."""
    listed: tuple[int, str] | None = None
    """The number of the hold-out list that has it, and its id there."""
    status: str = ""
    reason: str = ""
    detail: str = ""


class Decided(NamedTuple):
    """The decision on a candidate, and the identity of its video."""

    path: str
    clip: tuple[float, float] | None
    identity: str
    status: str
    reason: str
    detail: str


class Candidates:
    """All candidates, numbered from 0 in the order in which they are added.

    ``base`` is the database. Its table ``rows`` has the fields of candidates as columns, the first
    platform id of each, and the priority of the split; ``links`` has their other keys, with the
    ranks of these and numbers of rows: rows that share a key are one video. The steps that decide
    read both tables and change ``rows``.
    """

    def __init__(self, work: Path) -> None:
        """``work``: a folder for the database, which the caller removes."""
        self.base = scratch_base(work / "candidates.sqlite")
        self.count = 0
        self.joined = False
        """Whether a row may have several keys. Where none has, its identity is its key."""
        self.may_leak = False
        """Whether a row is of a split that is not trained on, or on a list."""

    def __enter__(self) -> Candidates:
        """Creates the tables."""
        run = self.base.execute
        run(
            "CREATE TABLE rows (number INTEGER PRIMARY KEY, source INTEGER, video_id TEXT,"
            " split TEXT, split_priority INTEGER, platform_id TEXT, path TEXT,"
            " start_s REAL, end_s REAL, extent TEXT, list INTEGER, listed TEXT, status TEXT,"
            " reason TEXT, detail TEXT, identity TEXT, bin INTEGER)"
        )
        run("CREATE TABLE links (rank INTEGER, key TEXT, number INTEGER)")
        run("BEGIN")
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the database."""
        self.base.close()

    def add(self, some: Iterable[Candidate]) -> None:
        """Adds candidates, with a link for each of their platform ids but the first."""
        rows, links = list[tuple[object, ...]](), list[tuple[int, str, int]]()
        for number, one in enumerate(some, self.count):
            first = one.platform_ids[0] if one.platform_ids else ""
            priority = split_priority(one.split)
            rows.append((
                *(number, one.source, one.video_id, one.split, priority, first),
                *(one.path, *(one.clip or _NOTHING), one.extent, *(one.listed or _NOTHING)),
                *(one.status, one.reason, one.detail, min(one.platform_ids, default="")),
            ))  # fmt: skip
            if len(one.platform_ids) > 1:
                links += [(PLATFORM, key, number) for key in one.platform_ids[1:]]
                self.joined = True
            self.may_leak |= priority >= HELD_OUT or one.listed is not None
        marks = ", ".join("?" * 16)
        self.base.executemany(f"INSERT INTO rows VALUES ({marks}, NULL)", rows)
        self.base.executemany("INSERT INTO links VALUES (?, ?, ?)", links)
        self.count += len(rows)

    def link(self, rank: int, key: str, number: int) -> None:
        """Links a row to a key, with the key's rank."""
        self.base.execute("INSERT INTO links VALUES (?, ?, ?)", (rank, key, number))
        self.joined = True

    def refuse(self, number: int, reason: str, detail: str) -> None:
        """Sets the status of a row to rejected."""
        self.base.execute(
            "UPDATE rows SET status = 'rejected', reason = ?, detail = ? WHERE number = ?",
            (reason, detail, number),
        )

    def decided(self, source: int) -> Iterator[Decided]:
        """The decisions on the candidates of a source, in their order."""
        rows = self.base.execute(
            "SELECT path, start_s, end_s, identity, status, reason, detail FROM rows"
            " WHERE source = ? ORDER BY number",
            (source,),
        )
        for path, start_s, end_s, *rest in rows:
            yield Decided(path, None if start_s is None else (start_s, end_s), *rest)

    def identities(self) -> tuple[int, int]:
        """The number of identities, and of those that several candidates share."""
        found: tuple[int, int] = self.base.execute(
            "SELECT count(*), coalesce(sum(rows > 1), 0) FROM"
            " (SELECT count(*) AS rows FROM rows WHERE identity != '' GROUP BY identity)"
        ).fetchone()
        return found
