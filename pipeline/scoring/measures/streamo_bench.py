"""Streamo-Bench (Streamo, section 4): answers within 3 s, and the overlap of grounded spans.

Of questions whose answer changes (``tsqa``) an expected answer is hit where a right one is said
within 3 s of it: accuracy is the share of all answers that are hit, recall the mean of that share
over questions. Of groundings it is the mean IoU, 0 where nothing was said. Its comparisons of
captions by a judge, pair by pair with another model, are not scores of one model, and not here.
"""

from __future__ import annotations

from pydantic import Field

from pipeline.records.spans import iou
from pipeline.scoring.item import Expected, Item, Said, TextScore
from pipeline.scoring.matching import match, within
from pipeline.scoring.measure import Counts, Measure, Values, ratio
from pipeline.settings import Settings

CHANGING = "tsqa"
GROUNDING = "event_grounding"


class StreamoBench(Settings):
    """What can be chosen."""

    tolerance_s: float = Field(3.0, ge=0, description="most seconds early or late")


def _protocol(settings: StreamoBench) -> str:
    return (
        f"tsqa: a right text within {settings.tolerance_s:g} s, accuracy over answers and recall"
        " over questions; event_grounding: mean IoU of the expected spans in whole turns, each with"
        " the first that is said of those that fit best"
    )


def _count(item: Item, text: TextScore, settings: StreamoBench) -> Counts:
    def hit(due: Expected, one: Said) -> float:
        near = within(due, one, settings.tolerance_s, settings.tolerance_s)
        return near and text(item, due, one) >= 1

    def overlap(due: Expected, one: Said) -> float:
        return iou(due.span, one.span)

    if not item.expected:
        return {}
    if item.task == CHANGING:
        hits = len(match(item.expected, item.said, hit, "expected"))
        return {
            "questions": 1,
            "answers": len(item.expected),
            "hits": hits,
            "share": hits / len(item.expected),
        }
    spans = [each for each in item.expected if each.span[1] > each.span[0]]
    if item.task == GROUNDING and spans:
        fits = match(spans, item.said, overlap, "said")
        return {"spans": len(spans), "iou": sum(each.score for each in fits)}
    return {}


def _values(sums: Counts) -> Values:
    return {
        "accuracy": ratio(sums.get("hits", 0), sums.get("answers", 0)),
        "recall": ratio(sums.get("share", 0), sums.get("questions", 0)),
        "mIoU": ratio(sums.get("iou", 0), sums.get("spans", 0)),
    }


MEASURE = Measure(StreamoBench, _protocol, _count, _values)
