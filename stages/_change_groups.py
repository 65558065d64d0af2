"""What one question can be about: the change points of one subject in one aspect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest
from typing import get_args

from pipeline.records import Aspect, ChangePoint
from stages._spans import JITTER_S
from stages._wording import bare

START_S = 0.0
"""Where the value begins that holds before the first change point."""


@dataclass(frozen=True)
class Moment:
    """A time in seconds, and what holds of the subject from then on; empty: it is not in view."""

    time_s: float
    value: str


@dataclass(frozen=True)
class Group:
    """The change points of one subject in one aspect, in order of time; at least one."""

    points: tuple[ChangePoint, ...]

    @property
    def aspect(self) -> Aspect:
        """In what way the subject changes."""
        return self.points[0].aspect

    @property
    def subject(self) -> str:
        """What changes."""
        return self.points[0].subject

    @property
    def moments(self) -> list[Moment]:
        """The change points as moments, behind the start of the video if something holds there."""
        first = self.points[0]
        start = [Moment(START_S, first.before)] if first.before and first.time_s > START_S else []
        return [*start, *(Moment(point.time_s, point.after) for point in self.points)]

    @property
    def answers(self) -> list[Moment]:
        """The moments from which on another answer is right than was before."""
        found: list[Moment] = []
        for moment in self.moments:
            if moment.value and (not found or bare(found[-1].value) != bare(moment.value)):
                found.append(moment)
        return found

    @property
    def values(self) -> set[str]:
        """All that holds at some time, bare."""
        held = [text for point in self.points for text in (point.before, point.after)]
        return {bare(text) for text in held if text}

    @property
    def smallest_gap_s(self) -> float:
        """Least time between two answers; endless where there are fewer."""
        times = [moment.time_s for moment in self.answers]
        return min((b - a for a, b in pairwise(times)), default=float("inf"))

    def changes(self) -> bool:
        """Whether there are two different answers at least."""
        return len({bare(moment.value) for moment in self.answers}) > 1

    def well_spaced(self, min_gap_s: float) -> bool:
        """Whether no answer follows another in less time, up to the spacing of frames."""
        return self.smallest_gap_s >= min_gap_s - JITTER_S


def groups(points: Iterable[ChangePoint]) -> list[Group]:
    """The change points by aspect and subject, in the order of their first ones."""
    found: dict[tuple[str, str], list[ChangePoint]] = {}
    for point in points:
        found.setdefault((point.aspect, bare(point.subject)), []).append(point)
    return [Group(tuple(sorted(own, key=lambda p: p.time_s))) for own in found.values()]


def in_turns(found: Sequence[Group]) -> list[Group]:
    """The groups by rounds of one of each aspect, of an aspect those with more answers first."""
    ordered = sorted(found, key=lambda g: (-len(g.answers), bare(g.subject)))
    rounds = [[g for g in ordered if g.aspect == aspect] for aspect in get_args(Aspect)]
    return [group for turn in zip_longest(*rounds) for group in turn if group is not None]
