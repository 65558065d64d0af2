"""Items in a few words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.records.turns import RESPONSE, SILENCE
from pipeline.scoring.item import Expected, Item, Said

Spoken = tuple[float, str]


def item(
    expected: Sequence[Spoken] = (), said: Sequence[Spoken] = (), end_s: int = 20, **fields: Any
) -> Item:
    """A question that is asked at 0 to a stream of turns of a second, answered in text at times."""
    starts = tuple(float(second) for second in range(end_s))
    due, spoken = {t for t, _ in expected}, {t for t, _ in said}
    given = {
        "task": "tsqa",
        "options": (),
        "direction": "forward",
        "expected": tuple(Expected(text, t, None, (t, t)) for t, text in expected),
        "said": tuple(Said(t, text, (t, t)) for t, text in said),
        "states": bytes(RESPONSE if t in due else SILENCE for t in starts),
        "said_states": bytes(RESPONSE if t in spoken else SILENCE for t in starts),
        **fields,
    }
    return Item(
        sample_id="s", qid="q0", aspect="", question="?", asked_s=0.0, end_s=float(end_s),
        starts=starts, **given,
    )  # fmt: skip
