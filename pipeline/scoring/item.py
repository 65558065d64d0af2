"""What is scored: one question to a stream, what is expected, and what was said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pipeline.records.spans import TimeSpan

Direction = Literal["backward", "present", "forward"]
"""Where the evidence of the first answer lies: it is over when the question is asked, it is on
screen then, or it is still to come."""


class Expected(NamedTuple):
    """An answer that is due. Times are seconds of the stream."""

    text: str
    due_s: float
    """When the turn starts in which it is to be said."""
    until_s: float | None
    """When it stops being true; None where it stays so or nobody knows."""
    span: TimeSpan
    """What it reports, in whole turns: from the first turn of its standby to that in which it is
    said. It has no length where the answer has no standby."""


class Said(NamedTuple):
    """An answer of the model, and when the turn started in which it was said."""

    time_s: float
    text: str
    span: TimeSpan
    """What it reports: as the prediction says it, or the standby before it; else without length."""


@dataclass(frozen=True)
class Item:
    """One question of a sample, with the turns from the one in which it is asked to the last before
    the next question."""

    sample_id: str
    qid: str
    task: str
    aspect: str
    question: str
    options: tuple[str, ...]
    direction: Direction
    asked_s: float
    """When the turn starts in which it is asked."""
    end_s: float
    """Of the last turn."""
    expected: tuple[Expected, ...]
    """In order of time; none where silence is right."""
    said: tuple[Said, ...]
    """In order of time; what is said before the question too, if it is the first of its sample."""
    starts: tuple[float, ...]
    """Of the turns."""
    states: bytes
    """Expected, one byte a turn (``pipeline.records.turns.STATES``)."""
    said_states: bytes
    """As predicted; empty where the prediction has none."""


TextScore = Callable[[Item, Expected, Said], float]
"""How well a text says what is expected, in [0, 1], whenever it is said."""
