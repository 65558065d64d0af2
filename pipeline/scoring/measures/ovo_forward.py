"""OVO-Bench, forward active responding: whether a model that is asked at test points knows by then.

OVO-Bench asks at points of time that its authors set: has the clue been seen (CRR), how often has
it happened (REC), is this step under way (SSR). A stream has no such points, so ours are the turn
before each expected answer, and the last within ``grace_s`` after it: at each of them the answers
so far must be as many as are expected by then, none early and none lacking.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from pydantic import Field

from pipeline.dialogue.tiling import EPSILON_S
from pipeline.scoring.item import Item, TextScore
from pipeline.scoring.measure import Counts, Measure, Values, ratio
from pipeline.settings import Settings


class OvoForward(Settings):
    """What can be chosen."""

    grace_s: float = Field(
        2.0, ge=0, description="seconds after an answer is due to its test point"
    )


def _protocol(settings: OvoForward) -> str:
    return (
        "of forward questions: at the turn before each expected answer, and"
        f" {settings.grace_s:g} s after it is due (before the next is due), as many answers were"
        " said as are due by then; texts are not looked at"
    )


def _test_points(item: Item, grace_s: float) -> Iterator[tuple[float, int]]:
    """Each time with the number of answers that are due by then."""
    due = [each.due_s for each in item.expected]
    for number, (due_s, next_s) in enumerate(zip(due, [*due[1:], item.end_s], strict=True)):
        if before := [start_s for start_s in item.starts if start_s < due_s - EPSILON_S]:
            yield before[-1], bisect_right(due, before[-1] + EPSILON_S)
        if next_s > due_s:
            yield min(due_s + grace_s, next_s - EPSILON_S), number + 1


def _count(item: Item, text: TextScore, settings: OvoForward) -> Counts:
    del text
    if item.direction != "forward" or not item.expected:
        return {}
    said = [one.time_s for one in item.said]
    points = list(_test_points(item, settings.grace_s))
    right = sum(bisect_right(said, at_s + EPSILON_S / 2) == due for at_s, due in points)
    return {"points": len(points), "right": right}


def _values(sums: Counts) -> Values:
    return {"accuracy": ratio(sums.get("right", 0), sums.get("points", 0))}


MEASURE = Measure(OvoForward, _protocol, _count, _values, text_counts=False)
