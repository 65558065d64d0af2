"""Arithmetic of half-open spans."""

from __future__ import annotations

from collections.abc import Iterable

MAX_SHARE = 0.9
"""An event that covers more of its video is none to ground: who answers that it was all of the
video is right within a tenth, and has learnt nothing. The paper gives no limit."""

TimeSpan = tuple[float, float]
"""Start and end in seconds, half-open."""


def iou(first: TimeSpan, second: TimeSpan) -> float:
    """Intersection over union of two spans, in [0, 1]; 0 where the union has no length."""
    overlap = max(0.0, min(first[1], second[1]) - max(first[0], second[0]))
    union = (first[1] - first[0]) + (second[1] - second[0]) - overlap
    return min(1.0, overlap / union) if union > 0 else 0.0


def covered_s(spans: Iterable[TimeSpan]) -> float:
    """The seconds that lie in any of the spans, none of which begins before 0."""
    total_s = until_s = 0.0
    for start_s, end_s in sorted(spans):
        total_s += max(0.0, end_s - max(start_s, until_s))
        until_s = max(until_s, end_s)
    return total_s


def covered_share(spans: Iterable[TimeSpan], duration_s: float) -> float:
    """The share of a video that lies in any of the spans, at most 1."""
    return min(1.0, covered_s(spans) / duration_s)
