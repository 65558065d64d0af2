"""What a measure is: what it counts of an item, and the values that follow from the sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pipeline.scoring.item import Item, TextScore
from pipeline.settings import Settings

S = TypeVar("S", bound=Settings)
Counts = Mapping[str, float]
Values = Mapping[str, int | float | None]
"""By name, counts as whole numbers; None where nothing was there to measure."""


@dataclass(frozen=True)
class Measure(Generic[S]):
    """A measure of the field, as a value.

    ``count`` gives what it counts of one item, by name, or nothing where it does not apply;
    ``values`` what follows from the sums over items. So items can be gone through one by one, and
    all that is held is the sums. ``protocol`` says in a sentence all that could be chosen
    differently: two scores can be compared where it is the same, and else not.
    """

    settings: type[S]
    protocol: Callable[[S], str]
    count: Callable[[Item, TextScore, S], Counts]
    values: Callable[[Counts], Values]
    text_counts: bool = True
    """Whether it looks at what is said, and not only at when."""


class NoSettings(Settings):
    """Of a measure in which nothing can be chosen."""


def ratio(part: float, whole: float) -> float | None:
    """A share; None of nothing."""
    return part / whole if whole else None


def f1(precision: float | None, recall: float | None) -> float | None:
    """The harmonic mean; None where either is."""
    if precision is None or recall is None:
        return None
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
