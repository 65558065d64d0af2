"""One matching of what was said with what was expected, which every measure is built on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pipeline.dialogue.tiling import EPSILON_S
from pipeline.scoring.item import Expected, Said

Order = Literal["expected", "said", "nearest"]
"""Who chooses: each expected answer in order of time, of those said the earliest; each said one in
order of time, of those expected the best (of equals the nearest); or all at once, the nearest."""


class Match(NamedTuple):
    """An expected answer and a said one, by their places, and how well they fit."""

    expected: int
    said: int
    score: float


def match(
    expected: Sequence[Expected],
    said: Sequence[Said],
    score: Callable[[Expected, Said], float],
    order: Order,
) -> list[Match]:
    """Pairs of a score above 0, each answer in one at most, in order of the expected ones.

    The pairs are gone through in the order of whoever chooses, and one is taken where both of its
    answers are free: so it is a matching that a reader can follow, and not always the largest.
    """
    pairs = [
        Match(i, j, fit)
        for i, due in enumerate(expected)
        for j, one in enumerate(said)
        if (fit := score(due, one)) > 0
    ]

    def key(pair: Match) -> tuple[float, ...]:
        off_s = abs(said[pair.said].time_s - expected[pair.expected].due_s)
        if order == "expected":
            return pair.expected, pair.said
        if order == "said":
            return pair.said, -pair.score, off_s, pair.expected
        return off_s, pair.expected, pair.said

    taken: list[Match] = []
    free_expected, free_said = set(range(len(expected))), set(range(len(said)))
    for pair in sorted(pairs, key=key):
        if pair.expected in free_expected and pair.said in free_said:
            free_expected.remove(pair.expected)
            free_said.remove(pair.said)
            taken.append(pair)
    return sorted(taken)


def late_s(due: Expected, one: Said) -> float:
    """Seconds by which an answer is late; negative if early. What is less than a microsecond is 0:
    times of turns are sums of fractions."""
    late = one.time_s - due.due_s
    return 0.0 if abs(late) < EPSILON_S else late


def within(due: Expected, one: Said, early_s: float, late_by_s: float) -> bool:
    """Whether an answer is said so many seconds before or after it is due at most."""
    return -early_s - EPSILON_S <= late_s(due, one) <= late_by_s + EPSILON_S
