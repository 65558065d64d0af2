"""Chance that is the same on every machine: drawn by a name and a seed."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import TypeVar

from pipeline.records.digest import digest

K = TypeVar("K", str, int)


def hash_rank(name: str, seed: int) -> str:
    """The lot of something that has a name: 16 hex digits, as good as random."""
    return digest([seed, name], 16)


def hash_fraction(name: str, seed: int) -> float:
    """A number in [0, 1), as good as random."""
    return int(hash_rank(name, seed)[:13], 16) / 16**13


def largest_remainder(weights: Mapping[K, float], whole: int) -> dict[K, int]:
    """``whole`` things in proportion to weights, rounded by the largest remainders.

    Nothing where all weights are 0 or there are none.
    """
    total = sum(weights.values())
    exact = {key: whole * weight / total for key, weight in weights.items()} if total else {}
    counts = {key: floor(n) for key, n in exact.items()}
    rest = whole - sum(counts.values()) if exact else 0
    for key in sorted(exact, key=lambda k: (counts[k] - exact[k], k))[:rest]:
        counts[key] += 1
    return counts
