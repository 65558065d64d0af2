"""How many rows of each source and of each length are drawn, so that no cap is passed and as many
are drawn as the caps allow. Pure."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Cell = tuple[int, int]
"""Numbers of a source and of a bin of lengths."""


@dataclass(frozen=True)
class Caps:
    """So many rows at most, of each source, of each bin, and in all. What is not named has none."""

    sources: Mapping[int, int]
    bins: Mapping[int, int]
    whole: int | None = None


def drawn(cells: Iterable[Cell], caps: Caps) -> Mapping[Cell, int]:
    """How many of each cell are drawn, of rows that come in the order of their lots.

    First each row is taken that no cap forbids. That may leave a source or a bin short which could
    have been filled: a long video taken from one source where only the other has more of them. So
    rows are exchanged along such chains while that draws one more (augmenting paths of a maximum
    flow), and the number drawn is the most there can be.
    """
    there: Counter[Cell] = Counter()
    taken: Counter[Cell] = Counter()
    by_source: Counter[int] = Counter()
    by_bin: Counter[int] = Counter()
    whole = 0
    for cell in cells:
        there[cell] += 1
        source, length = cell
        if (
            (caps.whole is None or whole < caps.whole)
            and by_source[source] < caps.sources.get(source, whole + 1)
            and by_bin[length] < caps.bins.get(length, whole + 1)
        ):
            taken[cell] += 1
            by_source[source] += 1
            by_bin[length] += 1
            whole += 1
    while caps.whole is None or whole < caps.whole:
        chain = _chain(there, taken, by_source, by_bin, caps)
        if not chain:
            break
        step = min(
            there[cell] - taken[cell] if place % 2 == 0 else taken[cell]
            for place, cell in enumerate(chain)
        )
        first, last = chain[0][0], chain[-1][1]
        step = min(step, caps.sources.get(first, step + by_source[first]) - by_source[first])
        step = min(step, caps.bins.get(last, step + by_bin[last]) - by_bin[last])
        if caps.whole is not None:
            step = min(step, caps.whole - whole)
        for place, cell in enumerate(chain):
            taken[cell] += step if place % 2 == 0 else -step
        by_source[first] += step
        by_bin[last] += step
        whole += step
    return {cell: count for cell, count in sorted(taken.items()) if count}


def _chain(
    there: Mapping[Cell, int],
    taken: Mapping[Cell, int],
    by_source: Mapping[int, int],
    by_bin: Mapping[int, int],
    caps: Caps,
) -> list[Cell]:
    """Cells to take one more of and one less of, in turns, from a source with room to a bin with
    room; the shortest such chain, empty where there is none."""
    sources = sorted({source for source, _ in there})
    bins = sorted({length for _, length in there})
    waiting = deque[tuple[int, list[Cell]]](
        (source, [])
        for source in sources
        if source not in caps.sources or by_source[source] < caps.sources[source]
    )
    seen_sources, seen_bins = {source for source, _ in waiting}, set[int]()
    while waiting:
        source, chain = waiting.popleft()
        for length in bins:
            cell = source, length
            if length in seen_bins or taken[cell] >= there[cell]:
                continue
            seen_bins.add(length)
            longer = [*chain, cell]
            if length not in caps.bins or by_bin[length] < caps.bins[length]:
                return longer
            for other in sources:
                if other not in seen_sources and taken[other, length]:
                    seen_sources.add(other)
                    waiting.append((other, [*longer, (other, length)]))
    return []
