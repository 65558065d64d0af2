"""Allocates rows to sources and lengths where there are more candidates than are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.manifest.reconcile.candidates import Candidates
from pipeline.manifest.reconcile.capped_allocation import Caps, Cell, allocate_within
from pipeline.manifest.reconcile.combination import Chosen
from pipeline.manifest.reconcile.file_evidence import measure
from pipeline.records.hash_sampling import hash_rank, largest_remainder


@dataclass(frozen=True)
class Part:
    """Rows of the whole manifest, of a source, or of a bin of lengths: the cap, which is None where
    there is none, how many were available, and how many were drawn."""

    of: str
    cap: int | None
    available: int
    drawn: int

    @property
    def short(self) -> int:
        """How many rows the cap allows beyond those drawn."""
        return 0 if self.cap is None else self.cap - self.drawn


@dataclass(frozen=True)
class Allocation:
    """The parts of an allocation: the whole, each source, and each bin of lengths."""

    whole: Part
    sources: Sequence[Part]
    durations: Sequence[Part]

    @property
    def parts(self) -> Sequence[Part]:
        """All parts."""
        return [self.whole, *self.sources, *self.durations]


NO_ALLOCATION = Allocation(Part("all", None, 0, 0), (), ())


def allocate(
    candidates: Candidates,
    chosen: Chosen,
    names: Sequence[str],
    shares: Sequence[float | None],
    limits: Sequence[int | None],
) -> Allocation:
    """Draws rows by hash rank, and leaves out the other candidates that may have a row.

    ``names``, ``shares`` and ``limits`` are those of the sources. Lengths are measured where they
    are asked for. Reasons are ``other_length``, which no bin holds; ``limit``, of the source;
    ``not_drawn``.
    """
    if chosen.durations:
        _sort_by_length(candidates, chosen)
    by_share = largest_remainder(
        {number: share for number, share in enumerate(shares) if share is not None},
        chosen.videos or 0,
    )
    caps = Caps(
        sources={
            number: min(cap for cap in (by_share.get(number), limit) if cap is not None)
            for number, limit in enumerate(limits)
            if limit is not None or number in by_share
        },
        bins=largest_remainder(
            {number: one.share for number, one in enumerate(chosen.durations)}, chosen.videos or 0
        ),
        whole=chosen.videos,
    )
    run = candidates.base.execute
    counted = run(
        "SELECT source, coalesce(bin, -1), count(*) FROM rows WHERE status = '' GROUP BY 1, 2"
    )
    available = Counter({(source, length): count for source, length, count in counted})
    counts: Mapping[Cell, int] = available
    if caps != Caps({}, {}):
        _rank(candidates, chosen.seed)
        cells = ((source, length) for source, length, _ in _by_hash_rank(candidates))
        counts = allocate_within(caps, cells)
        _leave_out(candidates, counts, limits)

    def part(name: str, cap: int | None, axis: int, number: int) -> Part:
        """Of a source (axis 0) or of a bin (axis 1)."""
        found, drawn = (
            sum(count for cell, count in each.items() if cell[axis] == number)
            for each in (available, counts)
        )
        return Part(name, cap, found, drawn)

    return Allocation(
        Part("all", chosen.videos, available.total(), sum(counts.values())),
        [part(name, caps.sources.get(number), 0, number) for number, name in enumerate(names)],
        [
            part(one.called, caps.bins.get(number), 1, number)
            for number, one in enumerate(chosen.durations)
        ],
    )


def _sort_by_length(candidates: Candidates, chosen: Chosen) -> None:
    run = candidates.base.execute
    for number, length_s in measure(candidates):
        place = next((i for i, one in enumerate(chosen.durations) if one.holds(length_s)), None)
        run("UPDATE rows SET bin = ? WHERE number = ?", (place, number))
    run(
        "UPDATE rows SET status = 'left_out', reason = 'other_length'"
        " WHERE status = '' AND bin IS NULL"
    )


def _rank(candidates: Candidates, seed: int) -> None:
    """Sets the hash ranks, by which nothing else than a draw asks."""
    base = candidates.base
    base.create_function("rank_of", 1, lambda name: hash_rank(name, seed), deterministic=True)
    base.execute("ALTER TABLE rows ADD COLUMN hash_rank TEXT")
    base.execute("UPDATE rows SET hash_rank = rank_of(video_id)")
    base.execute("CREATE INDEX by_hash_rank ON rows (hash_rank, number)")


def _by_hash_rank(candidates: Candidates) -> Iterator[tuple[int, int, int]]:
    """The source, the bin and the number of each row that may be drawn, by hash rank."""
    return candidates.base.execute(
        "SELECT source, coalesce(bin, -1), number FROM rows WHERE status = ''"
        " ORDER BY hash_rank, number"
    )


def _leave_out(
    candidates: Candidates, counts: Mapping[Cell, int], limits: Sequence[int | None]
) -> None:
    run = candidates.base.execute
    of_source: Counter[int] = Counter()
    for (source, _), count in counts.items():
        of_source[source] += count
    left = Counter(counts)
    for source, length, number in _by_hash_rank(candidates):
        if left[source, length] > 0:
            left[source, length] -= 1
            continue
        reason = "limit" if of_source[source] == limits[source] else "not_drawn"
        run("UPDATE rows SET status = 'left_out', reason = ? WHERE number = ?", (reason, number))
