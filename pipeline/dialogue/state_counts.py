"""How often each state occurs, and what follows from it.

source: arXiv:2512.21334, equations 3 and 4 (frequency weights of the focal loss), and the ratio,
shares of tasks and duration bins of Streamo-Instruct-465K in its supplement, figure 3.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple, get_args

from pydantic import BaseModel, ConfigDict

from pipeline.records import State

PAPER_RATIO: Mapping[str, int] = {"silence": 12, "standby": 3, "response": 2}
"""Of Streamo-Instruct-465K."""
BINS_S = ((30, "0-30 s"), (60, "30-60 s"), (120, "60-120 s"), (240, "120-240 s"))
DURATIONS = (*(name for _, name in BINS_S), ">240 s")
"""All bins of durations, in order."""
PAPER_VIDEOS: Mapping[str, int] = dict(
    zip(DURATIONS, (68_273, 19_153, 21_834, 20_529, 6_086), strict=True)
)
"""Videos of Streamo-Instruct-465K by duration."""
PAPER_SAMPLES = 465_800
"""Of Streamo-Instruct-465K."""
PAPER_SHARES: Mapping[str, float] = {
    "tsqa": 0.348,
    "event_grounding": 0.263,
    "offline_qa": 0.138,
    "narration": 0.127,
    "event_caption": 0.067,
    "action_caption": 0.058,
}
"""Shares of its samples, by task."""


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
    """The counts of one task, source and bin of durations, of negatives apart, and of those that
    are asked where their answer changes no more."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    source: str
    duration: str
    is_negative: bool = False
    is_still: bool = False
    dialogues: int
    states: StateCounts
    alpha: dict[str, float]


class _Key(NamedTuple):
    """What dialogues of one slice have in common, in the order of slices."""

    task: str
    source: str
    bin: int
    is_negative: bool
    is_still: bool


class StateTally:
    """Counts states by task, source and bin of durations, those of negatives and of still ones
    apart."""

    def __init__(self) -> None:
        """Starts at nothing."""
        self._states: dict[_Key, Counter[State]] = {}
        self._dialogues: Counter[_Key] = Counter()

    def add(
        self,
        task: str,
        source: str,
        duration_s: float,
        states: Mapping[State, int],
        *,
        is_negative: bool = False,
        is_still: bool = False,
    ) -> None:
        """Counts one dialogue, which has so many turns in each state."""
        key = _Key(task, source, _bin(duration_s), is_negative, is_still)
        self._dialogues[key] += 1
        self._states.setdefault(key, Counter()).update(states)

    def add_slice(self, part: StateSlice) -> None:
        """Counts the dialogues of a slice of another tally."""
        place = DURATIONS.index(part.duration)
        key = _Key(part.task, part.source, place, part.is_negative, part.is_still)
        self._dialogues[key] += part.dialogues
        self._states.setdefault(key, Counter()).update(
            {state: getattr(part.states, state) for state in get_args(State)}
        )

    def slices(self) -> list[StateSlice]:
        """By task, source and duration, in this order; negatives behind the others."""
        return [self._slice(key) for key in sorted(self._dialogues)]

    def _slice(self, key: _Key) -> StateSlice:
        counts = StateCounts(**{state: self._states[key][state] for state in get_args(State)})
        return StateSlice(
            task=key.task,
            source=key.source,
            duration=DURATIONS[key.bin],
            is_negative=key.is_negative,
            is_still=key.is_still,
            dialogues=self._dialogues[key],
            states=counts,
            alpha=counts.alpha(),
        )


def total(slices: Iterable[StateSlice], *, is_negative: bool = False) -> StateCounts:
    """Of all the slices that are not of negatives, or of those that are."""
    chosen = (part.states for part in slices if part.is_negative is is_negative)
    return sum(chosen, StateCounts())


def duration_bin(duration_s: float) -> str:
    """The bin of a duration, as the paper has them; a border belongs to the lower one."""
    return DURATIONS[_bin(duration_s)]


def _bin(duration_s: float) -> int:
    return next((n for n, (end_s, _) in enumerate(BINS_S) if duration_s <= end_s), len(BINS_S))
