"""Events recovered from the states of a dialogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.records import Turn


@dataclass(frozen=True)
class ReadEvent:
    """A reported event: its span in turns and in seconds, and the text of the response."""

    rids: tuple[str, ...]
    text: str
    first_turn: int
    """The first of the standby turns that lead up to ``turn``; ``turn`` itself without any."""
    turn: int
    start_s: float
    end_s: float


def read_events(turns: Sequence[Turn]) -> tuple[ReadEvent, ...]:
    """One event a response turn, in order: its span is the run of standby before it.

    ``start_s`` and ``end_s`` are starts of turns, each at most one turn late. Where events overlap,
    standby does not show for which of them it waits: then starts are those of the run.
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
