"""Arithmetic of half-open spans."""

from __future__ import annotations

TimeSpan = tuple[float, float]
"""Start and end in seconds, half-open."""


def iou(first: TimeSpan, second: TimeSpan) -> float:
    """Intersection over union of two spans, in [0, 1]; 0 where the union has no length."""
    overlap = max(0.0, min(first[1], second[1]) - max(first[0], second[0]))
    union = (first[1] - first[0]) + (second[1] - second[0]) - overlap
    return min(1.0, overlap / union) if union > 0 else 0.0
