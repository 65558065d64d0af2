"""StreamPro-F1: how well and how timely, with precision over what was said.

Each answer that is said takes, in order of time, the expected one that it fits best. A pair counts
``max(0, 1 - |late| / tau)`` times its text score; precision is their sum over all that was said,
recall over all that was expected.
"""

from __future__ import annotations

from pydantic import Field

from pipeline.scoring.item import Expected, Item, Said, TextScore
from pipeline.scoring.matching import late_s, match
from pipeline.scoring.measure import Counts, Measure, Values, f1, ratio
from pipeline.settings import Settings


class StreamProF1(Settings):
    """What can be chosen. The paper has 4 s for most of its tasks, 6 for alerts, and for what is
    foretold 2 before and 4 after."""

    early_s: float = Field(4.0, gt=0, description="seconds early at which a pair is worth nothing")
    late_s: float = Field(4.0, gt=0, description="seconds late at which a pair is worth nothing")


def _protocol(settings: StreamProF1) -> str:
    return (
        "each answer takes in order of time the expected one it fits best; worth its text score"
        f" times a share that falls to 0 at {settings.early_s:g} s early or"
        f" {settings.late_s:g} s late; questions to which silence is right count against precision"
    )


def _count(item: Item, text: TextScore, settings: StreamProF1) -> Counts:
    def worth(due: Expected, one: Said) -> float:
        late = late_s(due, one)
        timely = 1 - (late / settings.late_s if late > 0 else -late / settings.early_s)
        return timely * text(item, due, one) if timely > 0 else 0.0

    pairs = match(item.expected, item.said, worth, "said")
    total = sum(pair.score for pair in pairs)
    return {"score": total, "said": len(item.said), "expected": len(item.expected)}


def _values(sums: Counts) -> Values:
    precision = ratio(sums.get("score", 0), sums.get("said", 0))
    recall = ratio(sums.get("score", 0), sums.get("expected", 0))
    silent = precision is None and recall is not None
    return {
        "F1": 0.0 if silent else f1(precision, recall),
        "precision": precision,
        "recall": recall,
    }


MEASURE = Measure(StreamProF1, _protocol, _count, _values)
