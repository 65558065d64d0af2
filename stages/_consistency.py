"""Self-consistency: how much several answers to one ask have in common, and which speaks for them.

The measure is the same everywhere. Any two answers are compared on a scale from 0 (nothing in
common) to 1 (the same). The answer that is on average most like the others stands for all of them,
and this average is their consistency; a single answer has 1. So one odd answer costs little, and
answers that scatter score low whichever of them is taken. A sample without a valid answer has
nothing in common with any other.
source: the idea of arXiv:2203.11171, a majority over sampled answers, for answers that are seldom
        the same to the letter
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

from pipeline.records.spans import TimeSpan, iou

T = TypeVar("T")

_WORD = re.compile(r"\w+")


def spokesman(
    answers: Sequence[T], alike: Callable[[T, T], float], drawn: int
) -> tuple[int, float]:
    """Index of the answer that stands for all, the first of equals, and their consistency.

    ``alike`` gives 0 to 1 for two answers, in either order. ``drawn`` is the number of samples
    (``Provenance.samples``), of which ``answers`` are the valid ones.

    Raises:
        ValueError: there are no answers.
    """
    if not answers:
        raise ValueError("no answers")
    if drawn == 1:
        return 0, 1.0
    means = [
        sum(alike(a, b) for j, b in enumerate(answers) if j != i) / (drawn - 1)
        for i, a in enumerate(answers)
    ]
    best = max(range(len(answers)), key=lambda i: means[i])
    return best, min(1.0, means[best])


def texts_alike(a: str, b: str) -> float:
    """What two texts share: twice the common words over all words, case and order aside."""
    words_a, words_b = (Counter(_WORD.findall(text.casefold())) for text in (a, b))
    total = words_a.total() + words_b.total()
    return 2 * (words_a & words_b).total() / total if total else 1.0


def spans_alike(a: TimeSpan | None, b: TimeSpan | None) -> float:
    """IoU of two spans in seconds; of two that were not found 1, of one that was 0."""
    if a is None or b is None:
        return float(a is b)
    return iou(a, b)


def lists_alike(a: Sequence[TimeSpan], b: Sequence[TimeSpan]) -> float:
    """IoU of the pairs of spans that fit best, over the length of the longer list.

    Each span is in one pair at most; the pair that fits best is taken first.
    """
    if not a and not b:
        return 1.0
    pairs = sorted(
        ((iou(x, y), i, j) for i, x in enumerate(a) for j, y in enumerate(b)), reverse=True
    )
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    shared = 0.0
    for overlap, i, j in pairs:
        if i not in taken_a and j not in taken_b:
            shared += overlap
            taken_a.add(i)
            taken_b.add(j)
    return min(1.0, shared / max(len(a), len(b)))


def support(span: TimeSpan, others: Sequence[Sequence[TimeSpan]], drawn: int) -> float:
    """How well other lists bear out a span: mean IoU of the best in each; 1 of a single sample.

    ``drawn`` is the number of samples, that of the span among them; one that gave no valid list
    bears out nothing.
    """
    if drawn == 1:
        return 1.0
    best = (max((iou(span, x) for x in spans), default=0.0) for spans in others)
    return sum(best) / (drawn - 1)
