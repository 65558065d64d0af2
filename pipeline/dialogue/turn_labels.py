"""The label of a turn, such as ``<4s-5s>``: its seconds, by its index and the rate."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_LABEL = re.compile(r"<(\d{1,9}(?:\.\d{1,3})?)s-(\d{1,9}(?:\.\d{1,3})?)s>")
_SLOWEST, _FASTEST = 1e-6, 1000.0
_LARGEST_DENOMINATOR = 1001
_ROUNDED = Fraction(5, 10_000_000)


def is_rate(turns_per_s: float) -> bool:
    """Whether labels of three decimals distinguish the turns of such a rate."""
    return _SLOWEST <= turns_per_s <= _FASTEST


@lru_cache(maxsize=1 << 13)
def label_of(index: int, turns_per_s: float) -> str:
    """``<start s-end s>`` of a turn, with its nominal end even where the video ends before.

    Whole seconds have no decimal point, others at most three decimals.
    """
    rate = exact_rate(turns_per_s)
    return f"<{_seconds(index / rate)}s-{_seconds((index + 1) / rate)}s>"


@lru_cache(maxsize=1024)
def exact_rate(turns_per_s: float) -> Fraction:
    """The simple fraction that a rate of six decimals approximates: 0.666667 is two thirds.

    Without that, the turns of a long video drift away from their labels.
    """
    stored = Fraction(turns_per_s)
    simple = stored.limit_denominator(_LARGEST_DENOMINATOR)
    return simple if abs(simple - stored) <= _ROUNDED else stored


@lru_cache(maxsize=1024)
def read_label(label: str) -> tuple[Fraction, Fraction] | None:
    """Start and end of a label in seconds; None where it is no label or its span is empty."""
    found = _LABEL.fullmatch(label)
    if found is None or not label.isascii():
        return None
    start_s, end_s = Fraction(found[1]), Fraction(found[2])
    return (start_s, end_s) if start_s < end_s else None


def _seconds(time_s: Fraction) -> str:
    whole, thousandths = divmod(round(time_s * 1000), 1000)
    return f"{whole}.{thousandths:03d}".rstrip("0") if thousandths else str(whole)
