"""RealStreamEval (EvoStreaming): how good the best answer near each expected time is, less what
talking all the time, repeating oneself and speaking early cost.

``S = mean_t* max_{|t - t*| <= delta} J(a_t, a*) * M(R) - P``, where R is the share of turns that
are answered. Of forward questions M is 1 below R = 0.4 and else ``max(1 - 0.2 floor(5 R), 0.2)``,
and P is 0.1 where the first answer comes before its evidence; of the others M is 0.5 where an
answer says the same as the one before, and P is 0.
"""

from __future__ import annotations

from itertools import pairwise

from pydantic import Field

from pipeline.dialogue.tiling import EPSILON_S
from pipeline.scoring.item import Expected, Item, TextScore
from pipeline.scoring.matching import late_s, within
from pipeline.scoring.measure import Counts, Measure, Values, ratio
from pipeline.scoring.text_scores import plain
from pipeline.settings import Settings

_FREE_SHARE = 0.4
_LEAST, _STEP, _STEPS = 0.2, 0.2, 5
_REPEATED = 0.5
_EARLY = 0.1


class RealStreamEval(Settings):
    """What can be chosen."""

    delta_s: float = Field(
        0.0, ge=0, description="of forward questions, most seconds early or late; of others 0"
    )


def _protocol(settings: RealStreamEval) -> str:
    return (
        "mean over expected answers of the best text score within"
        f" {settings.delta_s:g} s (forward) or 0 s, times M of the share of turns answered, less"
        " 0.1 for a forward answer before its evidence; mean over questions that expect an answer"
    )


def _multiplier(item: Item) -> float:
    answered, turns = len({one.time_s for one in item.said}), len(item.starts)
    if item.direction != "forward":
        texts = [plain(one.text) for one in item.said]
        return _REPEATED if any(a == b for a, b in pairwise(texts)) else 1.0
    if answered < _FREE_SHARE * turns:
        return 1.0
    return max(1 - _STEP * (_STEPS * answered // turns), _LEAST)


def _count(item: Item, text: TextScore, settings: RealStreamEval) -> Counts:
    if not item.expected:
        return {}
    forward = item.direction == "forward"
    delta_s = settings.delta_s if forward else 0.0

    def best(due: Expected) -> float:
        near = [one for one in item.said if within(due, one, delta_s, delta_s)]
        return max((text(item, due, one) for one in near), default=0.0)

    early = bool(item.said) and late_s(item.expected[0], item.said[0]) < -delta_s - EPSILON_S
    score = sum(map(best, item.expected)) / len(item.expected) * _multiplier(item)
    score -= _EARLY if forward and early else 0
    sums = {"questions": 1.0, "score": score}
    return {**sums, **{f"{item.direction} {name}": value for name, value in sums.items()}}


def _values(sums: Counts) -> Values:
    return {
        "score": ratio(sums.get("score", 0), sums.get("questions", 0)),
        **{
            each: ratio(sums.get(f"{each} score", 0), sums.get(f"{each} questions", 0))
            for each in ("backward", "present", "forward")
        },
    }


MEASURE = Measure(RealStreamEval, _protocol, _count, _values)
