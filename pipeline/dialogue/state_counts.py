"""How often each state occurs, and what follows from it.

source: arXiv:2512.21334, equations 3 and 4 (frequency weights of the focal loss), and the ratio
and duration bins of Streamo-Instruct-465K in its supplement, figure 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from pipeline.records import State

PAPER_RATIO: Mapping[str, int] = {"silence": 12, "standby": 3, "response": 2}
"""Of Streamo-Instruct-465K."""
BINS_S = ((30, "0-30 s"), (60, "30-60 s"), (120, "60-120 s"), (240, "120-240 s"))


class StateCounts(BaseModel):
    """Turns in each state."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    silence: int = 0
    standby: int = 0
    response: int = 0

    def __add__(self, other: StateCounts) -> StateCounts:
        """Of both."""
        return StateCounts(
            silence=self.silence + other.silence,
            standby=self.standby + other.standby,
            response=self.response + other.response,
        )

    @property
    def turns(self) -> int:
        """In any state."""
        return self.silence + self.standby + self.response

    def alpha(self) -> dict[str, float]:
        """The weight of each state: turns over three times its own; empty where one is absent."""
        counts = self.model_dump()
        if not all(counts.values()):
            return {}
        return {state: self.turns / (3 * count) for state, count in counts.items()}

    def ratio(self) -> str:
        """Silence to standby to response, scaled to two responses as the paper gives it."""
        if not self.response:
            return f"{self.silence} : {self.standby} : 0"
        silence, standby = (2 * n / self.response for n in (self.silence, self.standby))
        return f"{silence:.1f} : {standby:.1f} : 2"


class StateSlice(BaseModel):
    """The counts of one task, source and bin of durations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    source: str
    duration: str
    dialogues: int
    states: StateCounts
    alpha: dict[str, float]


class StateTally:
    """Counts states by task, source and bin of durations."""

    def __init__(self) -> None:
        """Starts at nothing."""
        self._states: Counter[tuple[str, str, str, str]] = Counter()
        self._dialogues: Counter[tuple[str, str, str]] = Counter()

    def add(self, task: str, source: str, duration_s: float, states: Mapping[State, int]) -> None:
        """Counts one dialogue, which has so many turns in each state."""
        key = (task, source, duration_bin(duration_s))
        self._dialogues[key] += 1
        for state, count in states.items():
            self._states[(*key, state)] += count

    def add_slice(self, part: StateSlice) -> None:
        """Counts the dialogues of a slice of another tally."""
        key = (part.task, part.source, part.duration)
        self._dialogues[key] += part.dialogues
        for state, count in part.states.model_dump().items():
            self._states[(*key, state)] += count

    def slices(self) -> list[StateSlice]:
        """By task, source and duration, in this order."""
        order = {name: number for number, (_, name) in enumerate(BINS_S)}
        keys = sorted(self._dialogues, key=lambda k: (k[0], k[1], order.get(k[2], len(order))))
        found = []
        for key in keys:
            counts = StateCounts(**{state: self._states[(*key, state)] for state in PAPER_RATIO})
            task, source, duration = key
            found.append(
                StateSlice(
                    task=task,
                    source=source,
                    duration=duration,
                    dialogues=self._dialogues[key],
                    states=counts,
                    alpha=counts.alpha(),
                )
            )
        return found


def total(slices: Iterable[StateSlice]) -> StateCounts:
    """Of all the slices."""
    return sum((part.states for part in slices), StateCounts())


def duration_bin(duration_s: float) -> str:
    """The bin of a duration, as the paper has them; a border belongs to the lower one."""
    return next((name for end_s, name in BINS_S if duration_s <= end_s), ">240 s")
