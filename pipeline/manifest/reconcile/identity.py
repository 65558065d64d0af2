"""Which candidates are the same video, and which of them must not be trained on for that."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.manifest.reconcile.candidates import Candidates
from pipeline.manifest.reconcile.entry_store import HELD_OUT
from pipeline.manifest.reconcile.union_find import UnionFind

HELD = "held_out"
SAME = "same_video"
"""Reasons."""


@dataclass(frozen=True)
class Leak:
    """A row that would have brought a video that is tested with into a split that is kept less
    apart: mostly into training."""

    source: int
    video_id: str
    split: str
    identity: str
    by: str
    """What holds it out: a row of another split, or what a list calls it."""
    by_list: int | None
    """The number of that list, where no row holds it out."""


def identify(candidates: Candidates) -> UnionFind:
    """Writes each row's identity, and returns which rows are one video.

    An identity is the least of all keys of its rows, by rank and then as text, whatever the order
    of the sources. A row without a key has none.
    """
    run = candidates.base.execute
    unions = UnionFind(candidates.count)
    links = "SELECT rank, key, number FROM links ORDER BY rank, key, number"
    for _, together in groupby(run(links), key=lambda link: link[:2]):
        first, *others = (number for _, _, number in together)
        for other in others:
            unions.join(first, other)
    run("CREATE TABLE named (least INTEGER PRIMARY KEY, key TEXT)")
    for _, key, number in run(links):
        run("INSERT OR IGNORE INTO named VALUES (?, ?)", (unions.group(number), key))
    for number in range(candidates.count):
        run(
            "UPDATE rows SET identity = coalesce((SELECT key FROM named WHERE least = ?), '')"
            " WHERE number = ?",
            (unions.group(number), number),
        )
    return unions


def hold_out(
    candidates: Candidates, unions: UnionFind, sources: Sequence[str], lists: Sequence[str]
) -> Iterator[Leak]:
    """Rejects each row of a video that another row, or a list, keeps more apart; yields them.

    A video is in the split that is kept most apart, of all its rows: also of those without a file,
    and of those that are not wanted. One that is on a list is kept apart as ``val`` is.

    ``sources`` and ``lists`` are their names, by number.
    """
    run = candidates.base.execute
    most = array("b", bytes(candidates.count))
    holder = array("q", [-1]) * candidates.count
    listed = array("q", [-1]) * candidates.count
    for number, level, place in run("SELECT number, apart, list FROM rows ORDER BY number"):
        group = unions.group(number)
        if level > most[group] or holder[group] < 0:
            most[group], holder[group] = level, number
        if place is not None and listed[group] < 0:
            listed[group] = number
    rows = run(
        "SELECT number, source, video_id, split, apart, identity FROM rows WHERE fate = ''"
        " ORDER BY number"
    )
    for number, source, video_id, split, level, identity in rows:
        group = unions.group(number)
        held = most[group] > level and most[group] >= HELD_OUT
        on_list = listed[group] >= 0 and level < HELD_OUT
        if not (held or on_list):
            continue
        by = [_row(candidates, holder[group], sources)] if held else []
        place = None
        if on_list:
            place, said = _entry(candidates, listed[group], lists)
            by.append(said)
        detail = "; ".join(by)
        candidates.refuse(number, HELD, f"{identity}: {detail}" if identity else detail)
        yield Leak(source, video_id, split, identity, detail, None if held else place)


def keep_first(candidates: Candidates, sources: Sequence[str]) -> None:
    """Rejects each row that shows the same part of the same video as one of an earlier source.

    Rows of one source are different to that source, and stay; but where nothing but their files
    says what video they are, and that is the same, the first one does.
    """
    run = candidates.base.execute
    run("CREATE INDEX by_identity ON rows (identity, extent, number)")
    rows = run(
        "SELECT identity, extent, number, source, video_id, platform_id FROM rows"
        " WHERE fate = '' AND identity != '' ORDER BY identity, extent, number"
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


def _entry(candidates: Candidates, number: int, lists: Sequence[str]) -> tuple[int, str]:
    query = "SELECT list, listed FROM rows WHERE number = ?"
    place, listed = candidates.base.execute(query, (number,)).fetchone()
    return place, f"listed in {lists[place]}, as {listed}"
