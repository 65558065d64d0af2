"""Which candidates are drawn, where there are more than are wanted; what could not be met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline.manifest.reconcile.candidates import Candidates
from pipeline.manifest.reconcile.combination import Chosen
from pipeline.manifest.reconcile.file_evidence import measure
from pipeline.manifest.reconcile.quotas import Caps, drawn
from pipeline.records.hash_sampling import largest_remainder


@dataclass(frozen=True)
class Quota:
    """So many rows of a source or of a length were wanted at most, were there, and were drawn.

    ``wanted`` is None where there is no cap.
    """

    of: str
    wanted: int | None
    there: int
    drawn: int

    @property
    def short(self) -> int:
        """How many could not be drawn of those wanted."""
        return 0 if self.wanted is None else self.wanted - self.drawn


@dataclass(frozen=True)
class Drawn:
    """The quotas of the whole, of each source, and of each bin of lengths."""

    whole: Quota
    sources: Sequence[Quota]
    durations: Sequence[Quota]

    @property
    def quotas(self) -> Sequence[Quota]:
        """All of them."""
        return [self.whole, *self.sources, *self.durations]


NOTHING_DRAWN = Drawn(Quota("all", None, 0, 0), (), ())


def draw(
    candidates: Candidates,
    chosen: Chosen,
    names: Sequence[str],
    shares: Sequence[float | None],
    limits: Sequence[int | None],
) -> Drawn:
    """Leaves out of the candidates that may have a row those that are not drawn.

    ``names``, ``shares`` and ``limits`` are those of the sources. Where lengths are asked for, they
    are measured. Reasons are ``other_length``, of no bin; ``limit``, of the source; ``not_drawn``.
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
    query = "SELECT source, coalesce(bin, -1) FROM rows WHERE fate = ''"
    there: Counter[tuple[int, int]] = Counter()
    counts: Mapping[tuple[int, int], int]
    if caps == Caps({}, {}):
        there.update(run(query))
        counts = there
    else:
        run("CREATE INDEX by_lot ON rows (lot, number)")
        by_hash_rank = run(f"{query} ORDER BY lot, number")
        counts = drawn(_counted(by_hash_rank, there), caps)
        _leave_out(candidates, counts, limits)
    whole = Quota("all", chosen.videos, there.total(), sum(counts.values()))
    return Drawn(
        whole,
        [
            Quota(name, caps.sources.get(number), *_sums(there, counts, 0, number))
            for number, name in enumerate(names)
        ],
        [
            Quota(one.called, caps.bins.get(number), *_sums(there, counts, 1, number))
            for number, one in enumerate(chosen.durations)
        ],
    )


def _sort_by_length(candidates: Candidates, chosen: Chosen) -> None:
    run = candidates.base.execute
    for number, length_s in measure(candidates):
        place = next((i for i, one in enumerate(chosen.durations) if one.holds(length_s)), None)
        run("UPDATE rows SET bin = ? WHERE number = ?", (place, number))
    run(
        "UPDATE rows SET fate = 'left_out', reason = 'other_length' WHERE fate = '' AND bin IS NULL"
    )


def _leave_out(
    candidates: Candidates, counts: Mapping[tuple[int, int], int], limits: Sequence[int | None]
) -> None:
    run = candidates.base.execute
    of_source: Counter[int] = Counter()
    for (source, _), count in counts.items():
        of_source[source] += count
    left = Counter(counts)
    rows = run(
        "SELECT source, coalesce(bin, -1), number FROM rows WHERE fate = '' ORDER BY lot, number"
    )
    for source, length, number in rows:
        if left[source, length] > 0:
            left[source, length] -= 1
            continue
        reason = "limit" if of_source[source] == limits[source] else "not_drawn"
        run("UPDATE rows SET fate = 'left_out', reason = ? WHERE number = ?", (reason, number))


def _counted(
    cells: Iterable[tuple[int, int]], there: Counter[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    for cell in cells:
        there[cell] += 1
        yield cell


def _sums(
    there: Mapping[tuple[int, int], int],
    counts: Mapping[tuple[int, int], int],
    axis: int,
    number: int,
) -> tuple[int, int]:
    """How many there are and were drawn, of a source (axis 0) or of a bin (axis 1)."""
    found, taken = (
        sum(count for cell, count in each.items() if cell[axis] == number)
        for each in (there, counts)
    )
    return found, taken
