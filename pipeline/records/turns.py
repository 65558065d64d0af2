"""The turns of a dialogue, held as columns: a record of a turn is made only where one is asked for.

Nearly all turns of a dialogue say and ask nothing, so a dialogue is its states, one byte a turn,
the times that it shares with the tiling of its video, and what is asked and said in a few turns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeVar, get_args, overload

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from pipeline.records.base import Record, Seconds, State

STATES: Final[tuple[State, ...]] = get_args(State)
"""A state's place in here is its byte in ``Turns.states``."""
SILENCE, STANDBY, RESPONSE = range(3)

T = TypeVar("T")


class Turn(Record):
    """One turn: the user's question with a segment, and the state and text of the answer."""

    index: int
    start_s: Seconds
    end_s: Seconds
    frame_s: Seconds
    state: State
    transition: bool = False
    """Whether the state differs from the turn before; true for the first turn of a dialogue."""
    question: str = ""
    text: str = ""
    qids: list[str] = []
    rids: list[str] = []
    answers: list[str] = []
    """The question that each response of ``rids`` answers, in that order."""
    flags: list[str] = []
    """Those of its responses; ``late_question`` for a question after the end of the video,
    ``carried`` for one from an earlier window."""
    loss: bool | None = None
    """Whether the turn contributes to the loss; null where no preset of weights was applied."""
    loss_scale: float | None = None
    """Its weight in the loss."""


class Asked(NamedTuple):
    """What is asked in a turn, and the ids of these questions."""

    text: str
    qids: tuple[str, ...]


class Said(NamedTuple):
    """What is said in a turn, the ids of these responses, and of the question of each."""

    text: str
    rids: tuple[str, ...]
    answers: tuple[str, ...]


_NOTHING_ASKED, _NOTHING_SAID = Asked("", ()), Said("", (), ())


@dataclass(frozen=True)
class Turns(Sequence[Turn]):
    """Consecutive turns of one video. All columns count from the first of them, at position 0.

    As a sequence it has a ``Turn`` at each position, made when it is looked at; a slice is again
    such a value. In a record it is read from and written as a list of turns.
    """

    first: int
    """Index of the first turn."""
    starts: tuple[float, ...]
    """In seconds, like ``ends`` and ``frames``; each has a value for every turn."""
    ends: tuple[float, ...]
    frames: tuple[float, ...]
    states: bytes
    """One byte a turn: ``SILENCE``, ``STANDBY`` or ``RESPONSE``."""
    asked: Mapping[int, Asked] = field(default_factory=dict)
    """By position, like ``said`` and ``flags``; only turns that have any, in order."""
    said: Mapping[int, Said] = field(default_factory=dict)
    flags: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    losses: tuple[bool | None, ...] | None = None
    """``Turn.loss`` of every turn; None where no turn has one. So too ``loss_scales``."""
    loss_scales: tuple[float | None, ...] | None = None

    @classmethod
    def of(cls, turns: Iterable[Turn]) -> Turns:
        """The columns of turns; ``transition`` follows from their states.

        Raises:
            ValueError: their indices do not follow one another.
        """
        rows = list(turns)
        first = rows[0].index if rows else 0
        for index, turn in enumerate(rows, first):
            if turn.index != index:
                raise ValueError(f"turn {turn.index} stands where {index} should")
        return cls(
            first=first,
            starts=tuple(turn.start_s for turn in rows),
            ends=tuple(turn.end_s for turn in rows),
            frames=tuple(turn.frame_s for turn in rows),
            states=bytes(STATES.index(turn.state) for turn in rows),
            asked={
                position: Asked(turn.question, tuple(turn.qids))
                for position, turn in enumerate(rows)
                if turn.question or turn.qids
            },
            said={
                position: Said(turn.text, tuple(turn.rids), tuple(turn.answers))
                for position, turn in enumerate(rows)
                if turn.text or turn.rids or turn.answers
            },
            flags={p: tuple(turn.flags) for p, turn in enumerate(rows) if turn.flags},
            losses=given([turn.loss for turn in rows]),
            loss_scales=given([turn.loss_scale for turn in rows]),
        )

    def __len__(self) -> int:
        """The number of turns."""
        return len(self.states)

    @overload
    def __getitem__(self, place: int) -> Turn: ...

    @overload
    def __getitem__(self, place: slice) -> Turns: ...

    def __getitem__(self, place: int | slice) -> Turn | Turns:
        """The turn at a position, or the turns of a slice, whose first one is a transition.

        Raises:
            IndexError: there is none.
            ValueError: the slice leaves turns out between others.
        """
        if isinstance(place, slice):
            return self._slice(*place.indices(len(self)))
        position = place + len(self) if place < 0 else place
        if not 0 <= position < len(self):
            raise IndexError(f"turn {place} of {len(self)}")
        return Turn.trusted(self._fields(position))

    def __iter__(self) -> Iterator[Turn]:
        """Every turn, one made after the other."""
        return (Turn.trusted(self._fields(position)) for position in range(len(self)))

    @property
    def indices(self) -> range:
        """The index of every turn."""
        return range(self.first, self.first + len(self))

    def counts(self) -> dict[State, int]:
        """How many turns are in each state."""
        return {state: self.states.count(code) for code, state in enumerate(STATES)}

    def rids(self) -> set[str]:
        """The ids of all responses."""
        return {rid for said in self.said.values() for rid in said.rids}

    def weighed(self, losses: Iterable[bool | None], loss_scales: Iterable[float | None]) -> Turns:
        """The same turns with ``loss`` and ``loss_scale``, a value of each for every turn."""
        return replace(self, losses=tuple(losses), loss_scales=tuple(loss_scales))

    def as_dicts(self) -> list[dict[str, Any]]:
        """Every turn as data, fields in declared order."""
        return [self._fields(position) for position in range(len(self))]

    def _fields(self, position: int) -> dict[str, Any]:
        states = self.states
        asked = self.asked.get(position, _NOTHING_ASKED)
        said = self.said.get(position, _NOTHING_SAID)
        return {
            "index": self.first + position,
            "start_s": self.starts[position],
            "end_s": self.ends[position],
            "frame_s": self.frames[position],
            "state": STATES[states[position]],
            "transition": position == 0 or states[position] != states[position - 1],
            "question": asked.text,
            "text": said.text,
            "qids": list(asked.qids),
            "rids": list(said.rids),
            "answers": list(said.answers),
            "flags": list(self.flags.get(position, ())),
            "loss": None if self.losses is None else self.losses[position],
            "loss_scale": None if self.loss_scales is None else self.loss_scales[position],
        }

    def _slice(self, begin: int, end: int, step: int) -> Turns:
        if step != 1:
            raise ValueError("a slice of turns takes every turn")
        if begin == 0 and end == len(self):
            return self
        end = max(begin, end)
        return Turns(
            first=self.first + begin,
            starts=self.starts[begin:end],
            ends=self.ends[begin:end],
            frames=self.frames[begin:end],
            states=self.states[begin:end],
            asked=_between(self.asked, begin, end),
            said=_between(self.said, begin, end),
            flags=_between(self.flags, begin, end),
            losses=given(self.losses[begin:end]) if self.losses else None,
            loss_scales=given(self.loss_scales[begin:end]) if self.loss_scales else None,
        )

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read from such a value or a list of turns, written as a list of turns."""
        return core_schema.no_info_wrap_validator_function(
            lambda value, turns: value if isinstance(value, cls) else cls.of(turns(value)),
            handler.generate_schema(list[Turn]),
            serialization=core_schema.plain_serializer_function_ser_schema(cls.as_dicts),
        )


def given(column: Sequence[T | None]) -> tuple[T | None, ...] | None:
    """The values of an optional column; None where all of them are."""
    return None if column.count(None) == len(column) else tuple(column)


NO_TURNS: Final = Turns.of(())


def _between(column: Mapping[int, T], begin: int, end: int) -> dict[int, T]:
    return {place - begin: value for place, value in column.items() if begin <= place < end}
