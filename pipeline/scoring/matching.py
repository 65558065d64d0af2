"""One matching of what was said with what was expected, which every measure is built on.

What is compared with truth, times and spans, is matched by it, too."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from pipeline.dialogue.tiling import EPSILON_S
from pipeline.records.spans import TimeSpan, iou
from pipeline.scoring.item import Expected, Said

Order = Literal["expected", "said", "best"]
"""Who chooses: each expected answer in order of time, of those said the earliest; each said one in
order of time, of those expected the best (of equals the nearest); or all at once, the best (of
equals the earliest)."""


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
    Where a pair counts as soon as it is within one tolerance, ``expected`` gives the largest: what
    an expected answer passes over is too early for all that follow, and what it takes serves them
    no better than what comes later.
    """
    pairs = [
        Match(i, j, fit)
        for i, due in enumerate(expected)
        for j, one in enumerate(said)
        if (fit := score(due, one)) > 0
    ]

    def key(pair: Match) -> tuple[float, ...]:
        if order == "expected":
            return pair.expected, pair.said
        if order == "best":
            return -pair.score, pair.expected, pair.said
        off_s = abs(said[pair.said].time_s - expected[pair.expected].due_s)
        return pair.said, -pair.score, off_s, pair.expected

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


def match_times(
    true_s: Iterable[float], predicted_s: Iterable[float], tolerance_s: float
) -> list[tuple[float, float]]:
    """The largest one-to-one matching of times within the tolerance: pairs (true, predicted)."""
    due = [Expected("", time_s, None, (time_s, time_s)) for time_s in sorted(true_s)]
    said = [Said(time_s, "", (time_s, time_s)) for time_s in sorted(predicted_s)]
    taken = match(due, said, lambda a, b: within(a, b, tolerance_s, tolerance_s), "expected")
    return [(due[pair.expected].due_s, said[pair.said].time_s) for pair in taken]


class Fit(NamedTuple):
    """How well the spans of two lists fit each other, both in order of time."""

    first: Sequence[float]
    """Of each span of the first list, the best IoU with a span of the second; 0 without overlap."""
    second: Sequence[float]
    """The same for the second list."""
    pairs: Sequence[tuple[TimeSpan, TimeSpan]]
    """Spans that are matched, the best first, and that nothing else fits better."""


def fit(first: Iterable[TimeSpan], second: Iterable[TimeSpan]) -> Fit:
    """Compare each span of the first list with each of the second."""
    due = [Expected("", span[1], None, span) for span in sorted(first)]
    said = [Said(span[1], "", span) for span in sorted(second)]
    of_due = [max((iou(a.span, b.span) for b in said), default=0.0) for a in due]
    of_said = [max((iou(a.span, b.span) for a in due), default=0.0) for b in said]
    taken = match(due, said, lambda a, b: iou(a.span, b.span), "best")
    pairs = [(due[i].span, said[j].span) for i, j, best in taken if best == of_due[i] == of_said[j]]
    return Fit(of_due, of_said, pairs)
