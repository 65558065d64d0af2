"""Finds which candidates are the same video, and rejects those that would leak test videos."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.manifest.reasons import WITHOUT_FILE
from pipeline.manifest.reconcile.candidates import PLATFORM, Candidates
from pipeline.manifest.reconcile.entry_store import HELD_OUT
from pipeline.manifest.reconcile.union_find import UnionFind

HELD = "held_out"
SAME = "same_video"
"""Reasons of rejects."""


@dataclass(frozen=True)
class Leak:
    """A row that would have put a held-out video into a split of lower priority, mostly train."""

    source: int
    video_id: str
    split: str
    identity: str
    by: str
    """What holds it out: a row of another split, or an id in a list."""
    by_list: int | None
    """The number of that list; None where a row holds it out."""


def identify(candidates: Candidates) -> UnionFind:
    """Sets the identity of each row, and returns the groups of rows that are one video; none where
    nothing asks for them.

    The identity is the least key of all rows of the group, by rank and then as text, whatever the
    order of the sources. It is empty for a row without a key.
    """
    if not (candidates.joined or candidates.may_leak):
        return UnionFind(0)
    run = candidates.base.execute
    groups = UnionFind(candidates.count)
    links = (
        f"SELECT {PLATFORM}, platform_id, number FROM rows WHERE platform_id != ''"
        " UNION ALL SELECT rank, key, number FROM links ORDER BY 1, 2, 3"
    )
    for _, together in groupby(run(links), key=lambda link: link[:2]):
        first, *others = (number for _, _, number in together)
        for other in others:
            groups.join(first, other)
    if not candidates.joined:
        return groups
    run("CREATE TABLE named (least INTEGER PRIMARY KEY, key TEXT)")
    candidates.base.executemany(
        "INSERT OR IGNORE INTO named VALUES (?, ?)",
        ((groups.group(number), key) for _, key, number in run(links)),
    )
    candidates.base.executemany(
        "UPDATE rows SET identity = coalesce((SELECT key FROM named WHERE least = ?), '')"
        " WHERE number = ?",
        ((groups.group(number), number) for number in range(candidates.count)),
    )
    return groups


def hold_out(
    candidates: Candidates, groups: UnionFind, sources: Sequence[str], lists: Sequence[str]
) -> Iterator[Leak]:
    """Rejects, and yields, each row of a video that a row of another split or a list holds out.

    A video belongs to the split of highest priority among all its rows, those without a file and
    those that are not wanted included. A video on a list is kept out of ``train`` alone. A row
    without a file is held out too: its file would not help it.

    ``sources`` and ``lists`` are their names, by number.
    """
    if not candidates.may_leak:
        return
    run = candidates.base.execute
    highest = array("b", bytes(candidates.count))
    holder = array("q", [-1]) * candidates.count
    listed = array("q", [-1]) * candidates.count
    for number, priority, place in run(
        "SELECT number, split_priority, list FROM rows ORDER BY number"
    ):
        group = groups.group(number)
        if priority > highest[group] or holder[group] < 0:
            highest[group], holder[group] = priority, number
        if place is not None and listed[group] < 0:
            listed[group] = number
    rows = run(
        "SELECT number, source, video_id, split, split_priority, identity FROM rows"
        f" WHERE status = '' OR reason IN ({', '.join('?' * len(WITHOUT_FILE))}) ORDER BY number",
        WITHOUT_FILE,
    )
    for number, source, video_id, split, priority, identity in rows:
        group = groups.group(number)
        held = highest[group] > priority and highest[group] >= HELD_OUT
        on_list = listed[group] >= 0 and priority < HELD_OUT
        if not (held or on_list):
            continue
        by = [_row(candidates, holder[group], sources)] if held else []
        place = None
        if on_list:
            place, statement = _listed(candidates, listed[group], lists)
            by.append(statement)
        detail = "; ".join(by)
        candidates.refuse(number, HELD, f"{identity}: {detail}" if identity else detail)
        yield Leak(source, video_id, split, identity, detail, None if held else place)


def keep_first(candidates: Candidates, sources: Sequence[str]) -> None:
    """Rejects each row with the same part of the same video as a row of an earlier source.

    Rows of one source are different videos to that source, and stay; only where none of them has a
    platform id, and their files are the same, does the first one alone stay.
    """
    run = candidates.base.execute
    run("CREATE INDEX by_identity ON rows (identity, extent, number)")
    rows = run(
        "SELECT identity, extent, number, source, video_id, platform_id FROM rows"
        " WHERE status = '' AND identity != '' ORDER BY identity, extent, number"
    )
    for _, together in groupby(rows, key=lambda row: row[:2]):
        first: tuple[int, str, str] | None = None
        for _, _, number, source, video_id, platform_id in together:
            if first is None:
                first = source, video_id, platform_id
            elif source != first[0] or not (platform_id or first[2]):
                detail = f"{first[1]} of {sources[first[0]]} shows the same"
                candidates.refuse(number, SAME, detail)


def _row(candidates: Candidates, number: int, sources: Sequence[str]) -> str:
    query = "SELECT split, source, video_id FROM rows WHERE number = ?"
    split, source, video_id = candidates.base.execute(query, (number,)).fetchone()
    return f"{split} of {sources[source]}, as {video_id}"


def _listed(candidates: Candidates, number: int, lists: Sequence[str]) -> tuple[int, str]:
    query = "SELECT list, listed FROM rows WHERE number = ?"
    place, listed = candidates.base.execute(query, (number,)).fetchone()
    return place, f"listed in {lists[place]}, as {listed}"
