"""OVO-Timing: whether something is said when it should be, whatever it is.

As OneStreamer's evaluation of OVO-Bench has it: an expected answer takes the first free one that is
said within 2 s of it; recall and precision are of a sample, 0 without any, and F1 is that of their
means over the samples of a task; OneStreamer then takes the mean
over tasks; here the value of all tasks is over their questions.
"""

from __future__ import annotations

from pydantic import Field

from pipeline.scoring.item import Expected, Item, Said, TextScore
from pipeline.scoring.matching import match, within
from pipeline.scoring.measure import Counts, Measure, Values, f1, ratio
from pipeline.settings import Settings


class OvoTiming(Settings):
    """What can be chosen."""

    tolerance_s: float = Field(2.0, ge=0, description="most seconds early or late")


def _protocol(settings: OvoTiming) -> str:
    return (
        f"each expected answer takes the first free one within {settings.tolerance_s:g} s;"
        " precision and recall by question, then their means, then F1; texts are not looked at;"
        " questions to which silence is right are left out"
    )


def _count(item: Item, text: TextScore, settings: OvoTiming) -> Counts:
    del text
    if not item.expected:
        return {}

    def hit(due: Expected, one: Said) -> float:
        return within(due, one, settings.tolerance_s, settings.tolerance_s)

    hits = len(match(item.expected, item.said, hit, "expected"))
    return {
        "questions": 1,
        "precision": hits / len(item.said) if item.said else 0,
        "recall": hits / len(item.expected),
    }


def _values(sums: Counts) -> Values:
    precision = ratio(sums.get("precision", 0), sums.get("questions", 0))
    recall = ratio(sums.get("recall", 0), sums.get("questions", 0))
    return {"F1": f1(precision, recall), "precision": precision, "recall": recall}


MEASURE = Measure(OvoTiming, _protocol, _count, _values, text_counts=False)
