"""What a dialogue says happened, read from its states alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.records import Turn


@dataclass(frozen=True)
class ReadEvent:
    """Something a dialogue reports: its span in turns and in seconds, and what was said."""

    rids: tuple[str, ...]
    text: str
    first_turn: int
    """The first of the standby turns that lead up to ``turn``; ``turn`` itself without any."""
    turn: int
    start_s: float
    end_s: float


def read_events(turns: Sequence[Turn]) -> tuple[ReadEvent, ...]:
    """One event a response turn, in order: the unbroken run of standby before it is its span.

    ``[start_s, end_s)`` are starts of turns: each at most one turn later than what they stand for.
    Where events overlap, standby does not say for which of them it waits: the ends are exact all
    the same, the starts are those of the run.
    """
    events = []
    first: int | None = None
    for number, turn in enumerate(turns):
        if turn.state == "standby":
            first = number if first is None else first
            continue
        if turn.state == "response":
            begins = turns[number if first is None else first]
            events.append(
                ReadEvent(
                    tuple(turn.rids),
                    turn.text,
                    begins.index,
                    turn.index,
                    begins.start_s,
                    turn.start_s,
                )
            )
        first = None
    return tuple(events)
