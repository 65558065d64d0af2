"""Matching of predicted times and spans with true ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.records.spans import TimeSpan, iou

EPSILON_S = 1e-6
"""Two times closer than this are the same time."""


def match_times(
    true_s: Iterable[float], predicted_s: Iterable[float], tolerance_s: float
) -> list[tuple[float, float]]:
    """The largest one-to-one matching of times within the tolerance: pairs (true, predicted).

    Pairing the earliest of both where they fit is optimal: of any largest matching that pairs the
    earliest true time a with p' and the earliest predicted time p with a', the pairs can be changed
    to (a, p) and (a', p'), since a' - p' <= a' - p and p' - a' <= p' - a. If they do not fit, the
    earlier of the two fits nothing later either.
    """
    pairs: list[tuple[float, float]] = []
    true, predicted = sorted(true_s, reverse=True), sorted(predicted_s, reverse=True)
    while true and predicted:
        late_s = predicted[-1] - true[-1]
        if abs(late_s) <= tolerance_s + EPSILON_S:
            pairs.append((true.pop(), predicted.pop()))
        elif late_s > 0:
            true.pop()
        else:
            predicted.pop()
    return pairs


@dataclass(frozen=True)
class Fit:
    """How well the spans of two lists fit each other, both in order of time."""

    first: Sequence[float]
    """Of each span of the first list, the best IoU with a span of the second; 0 without overlap."""
    second: Sequence[float]
    """The same for the second list."""
    pairs: Sequence[tuple[TimeSpan, TimeSpan]]
    """Spans that overlap and are each other's best match. Of several with the same IoU the earliest
    is the best match, so no span is in two pairs."""


def fit(first: Iterable[TimeSpan], second: Iterable[TimeSpan]) -> Fit:
    """Compare each span of the first list with each of the second."""
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
