"""F1 of the three states, turn by turn: whether a model speaks, waits and is silent as it should.

Macro-F1 is the mean over the states that are expected or predicted at all.
"""

from __future__ import annotations

from collections import Counter

from pipeline.records.turns import STATES
from pipeline.scoring.item import Item, TextScore
from pipeline.scoring.measure import Counts, Measure, NoSettings, Values


def _protocol(settings: NoSettings) -> str:
    del settings
    return (
        "every turn from the question on; F1 of each state, and their mean; questions whose"
        " prediction has no states are left out"
    )


def _count(item: Item, text: TextScore, settings: NoSettings) -> Counts:
    del text, settings
    pairs = Counter(zip(item.states, item.said_states, strict=False))
    return {f"{STATES[true]} {STATES[said]}": n for (true, said), n in pairs.items()}


def _values(sums: Counts) -> Values:
    scores: dict[str, float | None] = {}
    for state in STATES:
        right = sums.get(f"{state} {state}", 0)
        expected = sum(sums.get(f"{state} {other}", 0) for other in STATES)
        predicted = sum(sums.get(f"{other} {state}", 0) for other in STATES)
        scores[state] = 2 * right / (expected + predicted) if expected + predicted else None
    there = [score for score in scores.values() if score is not None]
    return {"macro-F1": sum(there) / len(there) if there else None, **scores}


MEASURE = Measure(NoSettings, _protocol, _count, _values, text_counts=False)
