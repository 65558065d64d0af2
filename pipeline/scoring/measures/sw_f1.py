"""SW-F1 of Streaming-Eval (Streaming Harness): right answers within their windows.

``2 TP / (2 TP + 0.2 FP + 2 FN)``: a window with the right answer is a TP, one without an FN, and
whatever is said outside every window an FP.
"""

from __future__ import annotations

from pydantic import Field

from pipeline.dialogue.tiling import EPSILON_S
from pipeline.scoring.item import Expected, Item, Said, TextScore
from pipeline.scoring.matching import match
from pipeline.scoring.measure import Counts, Measure, Values
from pipeline.settings import Settings

_FALSE_ALARM = 0.2


class SwF1(Settings):
    """What can be chosen. The paper gives each question its own window, and does not publish it."""

    window_s: float = Field(
        5.0, ge=0, description="seconds of a window; a shorter one where the answer holds less long"
    )


def _protocol(settings: SwF1) -> str:
    return (
        f"a window opens when an answer is due, for {settings.window_s:g} s or until it stops being"
        " true; TP: one with a right text, FN: one without, FP: anything said outside all windows,"
        " which weighs 0.2 where FN weighs 2"
    )


def _count(item: Item, text: TextScore, settings: SwF1) -> Counts:
    def inside(due: Expected, one: Said) -> bool:
        until_s = due.due_s + settings.window_s
        if due.until_s is not None:
            until_s = max(due.due_s, min(until_s, due.until_s))
        return due.due_s - EPSILON_S <= one.time_s <= until_s + EPSILON_S

    def right(due: Expected, one: Said) -> float:
        return inside(due, one) and text(item, due, one) >= 1

    found = len(match(item.expected, item.said, right, "expected"))
    outside = [one for one in item.said if not any(inside(due, one) for due in item.expected)]
    return {"TP": found, "FN": len(item.expected) - found, "FP": len(outside)}


def _values(sums: Counts) -> Values:
    tp, fn, fp = (int(sums.get(name, 0)) for name in ("TP", "FN", "FP"))
    weighed = 2 * tp + _FALSE_ALARM * fp + 2 * fn
    return {"SW-F1": 2 * tp / weighed if weighed else None, "TP": tp, "FN": fn, "FP": fp}


MEASURE = Measure(SwF1, _protocol, _count, _values)
