"""The videos that may come into a manifest, one row each, on disk while it is decided which do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pipeline.manifest.reconcile.entry_store import apart
from pipeline.store.files.scratch_db import scratch_base

PLATFORM, CONTENT, FRAMES = range(3)
"""Ranks of the keys by which videos are the same: an identity is called by the first it has."""


@dataclass(frozen=True)
class Candidate:
    """A video of one source, whose entries lie in the store of that source.

    ``fate`` is empty while it may still have a row, else ``rejected`` or ``left_out``, for
    ``reason``.
    """

    source: int
    video_id: str
    split: str
    hash_rank: str
    platform_ids: tuple[str, ...]
    """All that its entries give, of whatever split."""
    path: str = ""
    """Of its file; empty where there is none."""
    clip: tuple[float, float] | None = None
    """Seconds of that file."""
    extent: str = ""
    """Which part of the whole video it is, as far as its entries say; empty: all of it."""
    listed: tuple[int, str] | None = None
    """The hold-out list that has it, and the id there."""
    fate: str = ""
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Decided:
    """What became of a candidate, and the identity of its video."""

    path: str
    clip: tuple[float, float] | None
    identity: str
    fate: str
    reason: str
    detail: str


class Candidates:
    """All candidates, numbered from 0 in the order in which they come.

    ``base`` is the database. Its table ``rows`` has the fields above as columns; ``links`` has
    keys, their ranks and numbers of rows: rows with a key in common are one video. The steps that
    decide read both and change ``rows``.
    """

    def __init__(self, work: Path) -> None:
        """``work``: a folder to leave them in; who made it removes it."""
        self.base = scratch_base(work / "candidates.sqlite")
        self.count = 0

    def __enter__(self) -> Candidates:
        """Itself, empty."""
        run = self.base.execute
        run(
            "CREATE TABLE rows (number INTEGER PRIMARY KEY, source INTEGER, video_id TEXT,"
            " split TEXT, apart INTEGER, lot TEXT, platform_id TEXT, path TEXT, start_s REAL,"
            " end_s REAL, extent TEXT, list INTEGER, listed TEXT, fate TEXT, reason TEXT,"
            " detail TEXT, identity TEXT DEFAULT '', bin INTEGER)"
        )
        run(
            "CREATE TABLE links (rank INTEGER, key TEXT, number INTEGER,"
            " PRIMARY KEY (rank, key, number)) WITHOUT ROWID"
        )
        run("BEGIN")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes the database."""
        self.base.close()

    def add(self, one: Candidate) -> None:
        """Takes a candidate; its platform ids are its first links."""
        number = self.count
        start_s, end_s = one.clip or (None, None)
        place, listed = one.listed or (None, None)
        first = one.platform_ids[0] if one.platform_ids else ""
        self.base.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', NULL)",
            (
                *(
                    number,
                    one.source,
                    one.video_id,
                    one.split,
                    apart(one.split),
                    one.hash_rank,
                    first,
                ),
                *(one.path, start_s, end_s, one.extent, place, listed),
                *(one.fate, one.reason, one.detail),
            ),
        )
        for platform_id in one.platform_ids:
            self.link(PLATFORM, platform_id, number)
        self.count += 1

    def link(self, rank: int, key: str, number: int) -> None:
        """Says that a row is the video that a key stands for."""
        self.base.execute("INSERT OR IGNORE INTO links VALUES (?, ?, ?)", (rank, key, number))

    def refuse(self, number: int, reason: str, detail: str) -> None:
        """Rejects a row that could have been in the manifest."""
        self.base.execute(
            "UPDATE rows SET fate = 'rejected', reason = ?, detail = ? WHERE number = ?",
            (reason, detail, number),
        )

    def decided(self, source: int) -> Iterator[Decided]:
        """What became of the candidates of a source, in their order."""
        rows = self.base.execute(
            "SELECT path, start_s, end_s, identity, fate, reason, detail FROM rows"
            " WHERE source = ? ORDER BY number",
            (source,),
        )
        for path, start_s, end_s, *rest in rows:
            yield Decided(path, None if start_s is None else (start_s, end_s), *rest)

    def identities(self) -> tuple[int, int]:
        """How many there are, and of how many of them there are several candidates."""
        found: tuple[int, int] = self.base.execute(
            "SELECT count(*), coalesce(sum(rows > 1), 0) FROM"
            " (SELECT count(*) AS rows FROM rows WHERE identity != '' GROUP BY identity)"
        ).fetchone()
        return found
