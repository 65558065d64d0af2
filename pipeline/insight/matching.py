"""Which of what was said belongs to which of what is true, by time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


def best_ious(spans: Iterable[Span], others: Sequence[Span]) -> list[float]:
    """For each span its IoU with the one of the others that it overlaps best; 0 without one."""
    return [max((iou(span, other) for other in others), default=0.0) for span in spans]


def mutually_best(first: Iterable[Span], second: Iterable[Span]) -> list[tuple[Span, Span]]:
    """Pairs that overlap, of which each is the one that the other overlaps best, by time.

    Of several that overlap equally well the earliest is the best one. No span is in two pairs.
    """
    a, b = sorted(first), sorted(second)
    overlaps = [[iou(x, y) for y in b] for x in a]
    best_of_b = [column.index(max(column)) for column in zip(*overlaps, strict=True)]
    best_of_a = [row.index(max(row)) for row in overlaps if row]
    return [
        (a[i], b[j]) for i, j in enumerate(best_of_a) if best_of_b[j] == i and overlaps[i][j] > 0
    ]
