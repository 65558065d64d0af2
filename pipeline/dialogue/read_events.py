"""Events recovered from the states of a dialogue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.records import Turns
from pipeline.records.turns import RESPONSE, STANDBY, Said

_EVENT = re.compile(b"%c*%c" % (STANDBY, RESPONSE))
_UNKNOWN = Said("", (), ())


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


def read_events(turns: Turns) -> tuple[ReadEvent, ...]:
    """One event a response turn, in order: its span is the run of standby before it.

    ``start_s`` and ``end_s`` are starts of turns, each at most one turn late. Where events overlap,
    standby does not show for which of them it waits: then starts are those of the run.
    """
    events = []
    for run in _EVENT.finditer(turns.states):
        first, turn = run.start(), run.end() - 1
        said = turns.said.get(turn, _UNKNOWN)
        events.append(
            ReadEvent(
                rids=said.rids,
                text=said.text,
                first_turn=turns.first + first,
                turn=turns.first + turn,
                start_s=turns.starts[first],
                end_s=turns.starts[turn],
            )
        )
    return tuple(events)
