"""Which of what was said belongs to which of what is true, by time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Span = tuple[float, float]
"""Start and end in seconds, half-open."""
EPSILON_S = 1e-6
"""Two times closer than this are the same time."""


def match_times(
    true_s: Iterable[float], said_s: Iterable[float], tolerance_s: float
) -> list[tuple[float, float]]:
    """Pairs of times within the tolerance, each time used once, as many pairs as there can be.

    Taking the earliest of both where they fit is best: of any largest matching that pairs the
    earliest true time a with s' and the earliest said time s with a', the pairs can be changed to
    (a, s) and (a', s'), since a' - s' <= a' - s and s' - a' <= s' - a. Where they do not fit, the
    earlier of the two fits nothing later either.
    """
    pairs: list[tuple[float, float]] = []
    true, said = sorted(true_s, reverse=True), sorted(said_s, reverse=True)
    while true and said:
        late_s = said[-1] - true[-1]
        if abs(late_s) <= tolerance_s + EPSILON_S:
            pairs.append((true.pop(), said.pop()))
        elif late_s > 0:
            true.pop()
        else:
            said.pop()
    return pairs


def iou(first: Span, second: Span) -> float:
    """Intersection over union of two spans, in 0 to 1; 0 where both are empty."""
    shared = min(first[1], second[1]) - max(first[0], second[0])
    union = max(first[1], second[1]) - min(first[0], second[0])
    return max(0.0, shared) / union if union > 0 else 0.0


@dataclass(frozen=True)
class Fit:
    """How well the spans of two lists fit each other, both in order of time."""

    first: Sequence[float]
    """For each span of the first list its IoU with the one of the second that fits it best; 0
    where none overlaps it."""
    second: Sequence[float]
    """The same for the second list."""
    pairs: Sequence[tuple[Span, Span]]
    """Spans that overlap and of which each is the one that fits the other best. Of several that
    fit equally well the earliest is the best one, so no span is in two pairs."""


def fit(first: Iterable[Span], second: Iterable[Span]) -> Fit:
    """Each span is compared with each."""
    a, b = sorted(first), sorted(second)
    if not a or not b:
        return Fit([0.0] * len(a), [0.0] * len(b), [])
    rows = [[iou(x, y) for y in b] for x in a]
    columns = list(zip(*rows, strict=True))
    best_of_a, best_of_b = [max(row) for row in rows], [max(column) for column in columns]
    pairs = []
    for i, row in enumerate(rows):
        j = row.index(best_of_a[i])
        if row[j] > 0 and columns[j].index(best_of_b[j]) == i:
            pairs.append((a[i], b[j]))
    return Fit(best_of_a, best_of_b, pairs)
