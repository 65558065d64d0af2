"""Draws as many rows as caps on sources and on lengths allow together. Pure.

By hand, for a solver of maximum flows would not prefer the rows of lower hash ranks.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Cell = tuple[int, int]
"""Number of a source and number of a bin of lengths."""


@dataclass(frozen=True)
class Caps:
    """The most rows of each source, of each bin, and in all. What is left out has no cap."""

    sources: Mapping[int, int]
    bins: Mapping[int, int]
    whole: int | None = None


def allocate_within(caps: Caps, cells: Iterable[Cell]) -> Mapping[Cell, int]:
    """How many rows of each cell are drawn; ``cells`` are those of all rows, in hash-rank order.

    First each row is taken that no cap forbids. That may leave a source or a bin short which could
    have been filled: a long video was taken from one source where only the other has more of them.
    So rows are exchanged along augmenting paths of a maximum flow while each draws one more row.
    The number drawn is the maximum.
    """
    available: Counter[Cell] = Counter()
    taken: Counter[Cell] = Counter()
    by_source: Counter[int] = Counter()
    by_bin: Counter[int] = Counter()
    whole = 0
    for cell in cells:
        available[cell] += 1
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
        path = _augmenting_path(available, taken, by_source, by_bin, caps)
        if not path:
            break
        step = min(
            available[cell] - taken[cell] if place % 2 == 0 else taken[cell]
            for place, cell in enumerate(path)
        )
        first, last = path[0][0], path[-1][1]
        step = min(step, caps.sources.get(first, step + by_source[first]) - by_source[first])
        step = min(step, caps.bins.get(last, step + by_bin[last]) - by_bin[last])
        if caps.whole is not None:
            step = min(step, caps.whole - whole)
        for place, cell in enumerate(path):
            taken[cell] += step if place % 2 == 0 else -step
        by_source[first] += step
        by_bin[last] += step
        whole += step
    return {cell: count for cell, count in sorted(taken.items()) if count}


def _augmenting_path(
    available: Mapping[Cell, int],
    taken: Mapping[Cell, int],
    by_source: Mapping[int, int],
    by_bin: Mapping[int, int],
    caps: Caps,
) -> list[Cell]:
    """The shortest path from a source below its cap to a bin below its cap: cells of which one row
    more and one row less are taken, in turns. Empty where there is none."""
    sources = sorted({source for source, _ in available})
    bins = sorted({length for _, length in available})
    waiting = deque[tuple[int, list[Cell]]](
        (source, [])
        for source in sources
        if source not in caps.sources or by_source[source] < caps.sources[source]
    )
    seen_sources, seen_bins = {source for source, _ in waiting}, set[int]()
    while waiting:
        source, path = waiting.popleft()
        for length in bins:
            cell = source, length
            if length in seen_bins or taken[cell] >= available[cell]:
                continue
            seen_bins.add(length)
            longer = [*path, cell]
            if length not in caps.bins or by_bin[length] < caps.bins[length]:
                return longer
            for other in sources:
                if other not in seen_sources and taken[other, length]:
                    seen_sources.add(other)
                    waiting.append((other, [*longer, (other, length)]))
    return []
