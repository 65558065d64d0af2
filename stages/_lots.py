"""Chance that is the same on every machine: drawn by a name and a seed."""

from __future__ import annotations

from pipeline.fingerprint import digest


def lot(name: str, seed: int) -> str:
    """The lot of something that has a name: 16 hex digits, as good as random."""
    return digest([seed, name], 16)


def part_of(name: str, seed: int) -> float:
    """A number in [0, 1), as good as random."""
    return int(lot(name, seed)[:13], 16) / 16**13
