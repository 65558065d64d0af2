"""Sampling by hashes of names and a seed, so that every machine draws the same."""

from __future__ import annotations

from collections.abc import Mapping
from math import floor
from typing import Literal, TypeVar

from pipeline.records.digest import digest

K = TypeVar("K", str, int)
DrawnBy = Literal["sample", "video"]


def hash_rank(name: str, seed: int) -> str:
    """16 hex digits to order names by, uniformly distributed. Samples are those of lowest rank."""
    return digest([seed, name], 16)


def sample_rank(sample_id: str, video_id: str, seed: int, by: DrawnBy) -> str:
    """What samples are drawn by: their own rank, or that of their video with theirs behind it, so
    that as many of each of several tasks are of the same videos."""
    rank = hash_rank(sample_id, seed)
    return rank if by == "sample" else f"{hash_rank(video_id, seed)}/{rank}"


def hash_fraction(name: str, seed: int) -> float:
    """A number in [0, 1), uniformly distributed."""
    return int(hash_rank(name, seed)[:13], 16) / 16**13


def largest_remainder(weights: Mapping[K, float], whole: int) -> dict[K, int]:
    """Counts that sum to ``whole``, in proportion to weights, by the method of largest remainders.

    Empty where the weights are all 0 or there are none.
    """
    total = sum(weights.values())
    exact = {key: whole * weight / total for key, weight in weights.items()} if total else {}
    counts = {key: floor(n) for key, n in exact.items()}
    rest = whole - sum(counts.values()) if exact else 0
    for key in sorted(exact, key=lambda k: (counts[k] - exact[k], k))[:rest]:
        counts[key] += 1
    return counts
