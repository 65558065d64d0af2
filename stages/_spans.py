"""Half-open spans in seconds."""

from __future__ import annotations

from pipeline.records import SourceAnnotation

JITTER_S = 0.1
"""By how much a gap between frame times may fall short: a turn's frame can be a frame early."""


def clipped(
    start_s: float, end_s: float, duration_s: float, tolerance_s: float
) -> tuple[float, float] | None:
    """The span within ``[0, duration_s]``.

    None when it has no length, or leaves the video by more than ``tolerance_s``.
    """
    if start_s < -tolerance_s or end_s > duration_s + tolerance_s:
        return None
    inside = max(0.0, start_s), min(duration_s, end_s)
    return inside if inside[0] < inside[1] else None


def span_of(
    entry: SourceAnnotation, duration_s: float, tolerance_s: float
) -> tuple[float, float] | None:
    """The span of an entry in seconds; the whole video if it has none; None if it is impossible.

    It may leave the video by ``tolerance_s``, or by as much as its times are coarse.
    """
    if entry.start_s is None and entry.end_s is None:
        return (0.0, duration_s)
    if entry.start_s is None or entry.end_s is None:
        return None
    return clipped(entry.start_s, entry.end_s, duration_s, max(tolerance_s, entry.resolution_s))


def seconds(time_s: float) -> str:
    """A time as a person would say it: at most one decimal, none when it is whole."""
    return f"{time_s:.1f}".removesuffix(".0")


def stated(start_s: float, end_s: float) -> str:
    """The answer to "when": a sentence that gives the span in seconds."""
    return f"The event took place from {seconds(start_s)} s to {seconds(end_s)} s."
