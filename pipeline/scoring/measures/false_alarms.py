"""False alarms a minute on quiet streams: what is said where silence is right throughout."""

from __future__ import annotations

from pipeline.scoring.item import Item, TextScore
from pipeline.scoring.measure import Counts, Measure, NoSettings, Values, ratio

_S_PER_MIN = 60


def _protocol(settings: NoSettings) -> str:
    del settings
    return "answers a minute after questions to which silence is right (negatives), and their share"


def _count(item: Item, text: TextScore, settings: NoSettings) -> Counts:
    del text, settings
    if item.expected:
        return {}
    minutes = (item.end_s - item.asked_s) / _S_PER_MIN
    return {"questions": 1, "silent": not item.said, "minutes": minutes, "said": len(item.said)}


def _values(sums: Counts) -> Values:
    return {
        "a minute": ratio(sums.get("said", 0), sums.get("minutes", 0)),
        "silent questions": ratio(sums.get("silent", 0), sums.get("questions", 0)),
    }


MEASURE = Measure(NoSettings, _protocol, _count, _values, text_counts=False)
