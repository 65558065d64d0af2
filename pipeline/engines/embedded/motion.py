"""When and where followed things move.

A thing is taken to move at constant velocity between the times at which it starts, turns and stops.
Between two frames that lie inside one such stretch it covers the whole way; where less is covered,
the share says when between the frames the stretch began or ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import hypot
from typing import NamedTuple

from pipeline.engines.embedded.tracks import Film, Sighting, Track

STILL = 0.008
"""A thing that moves less than this share of the height between two frames stands still."""
SAME_VELOCITY = 0.07


class Velocity(NamedTuple):
    """Heights a second, to the right and down."""

    x: float
    y: float

    def __sub__(self, other: Velocity) -> Velocity:
        """The difference of two velocities."""
        return Velocity(self.x - other.x, self.y - other.y)

    @property
    def speed(self) -> float:
        """Heights a second."""
        return hypot(self.x, self.y)


REST = Velocity(0.0, 0.0)


@dataclass(frozen=True)
class Motion:
    """A thing moves in one direction during ``[start_s, end_s)``."""

    track: Track
    start_s: float
    end_s: float
    velocity: Velocity

    @property
    def direction(self) -> str:
        """In words: ``up``, ``right``, ``down and left`` ..."""
        return direction_words(self.velocity)

    @property
    def colour(self) -> str:
        """Of the thing, in the first frame that shows it on its way."""
        under_way = [s for s in self.track.sightings if s.time_s >= self.start_s]
        return (under_way or list(self.track.sightings))[0].colour


@dataclass(frozen=True)
class _Step:
    start_s: float
    end_s: float
    velocity: Velocity

    @property
    def still(self) -> bool:
        return self.velocity.speed * (self.end_s - self.start_s) < STILL


def direction_words(velocity: Velocity) -> str:
    """``up``, ``right``, ``down and left`` ...: both ways where neither is slight."""
    x, y = velocity
    slanted = 0.2
    along = "" if abs(y) < slanted * abs(x) else "down" if y > 0 else "up"
    across = "" if abs(x) < slanted * abs(y) else "right" if x > 0 else "left"
    return " and ".join(word for word in (along, across) if word)


def motions_of(film: Film, duration_s: float) -> list[Motion]:
    """The motions of all shapes, in order of their start."""
    found = [m for track in film.shapes for m in _motions(film, track, duration_s)]
    return sorted(found, key=lambda m: (m.start_s, m.end_s, m.track.first))


def is_moving(track: Track, index: int) -> bool | None:
    """Whether a thing is on its way in a frame, judged by that frame and those before it.

    None in the first frame that shows it. A thing that went less far than at its last step, in the
    same direction, has come to rest since.
    """
    steps = _steps([s for s in track.sightings if s.index <= index])
    if not steps:
        return None
    last = steps[-1]
    if last.still:
        return False
    before = steps[-2].velocity if len(steps) > 1 else REST
    same_way = last.velocity.x * before.x + last.velocity.y * before.y > (
        0.95 * last.velocity.speed * before.speed
    )
    missing = (before.speed - last.velocity.speed) * (last.end_s - last.start_s)
    return not (same_way and missing > STILL / 2 + 0.01 * last.velocity.speed)


def _steps(sightings: Sequence[Sighting]) -> list[_Step]:
    """Velocities from sighting to sighting; those that are partly hidden are passed over."""
    clear = [s for s in sightings if s.blob.shape != "region"]
    return [
        _Step(a.time_s, b.time_s, Velocity((b.x - a.x) / dt, (b.y - a.y) / dt))
        for a, b in pairwise(clear)
        if (dt := b.time_s - a.time_s) > 0
    ]


def _motions(film: Film, track: Track, duration_s: float) -> list[Motion]:
    pieces = _pieces(_steps(track.sightings))
    if not pieces:
        return []
    seen_from, seen_to = film.span_of(track, duration_s)
    pieces[0] = _Step(seen_from, pieces[0].end_s, pieces[0].velocity)
    pieces[-1] = _Step(pieces[-1].start_s, seen_to, pieces[-1].velocity)
    found: list[Motion] = []
    for piece in pieces:
        if piece.velocity == REST or piece.end_s <= piece.start_s:
            continue
        motion = Motion(track, piece.start_s, piece.end_s, piece.velocity)
        before = found[-1] if found else None
        if before and before.end_s == motion.start_s and before.direction == motion.direction:
            found[-1] = Motion(track, before.start_s, motion.end_s, before.velocity)
        else:
            found.append(motion)
    return found


def _pieces(steps: Sequence[_Step]) -> list[_Step]:
    """Stretches of constant velocity that tile the steps, with their borders inside steps."""
    if not steps:
        return []
    # Before and after the steps a thing is taken to rest, where that explains the first and last.
    groups = [(0, 0), *_groups(steps), (len(steps), len(steps))]
    velocities = [_mean(steps[a:b]) for a, b in groups]
    pieces: list[_Step] = []
    start_s = steps[0].start_s
    for n, (_, stop) in enumerate(groups):
        end_s = steps[stop - 1].end_s if stop else steps[0].start_s
        if n + 1 < len(groups) and groups[n + 1][0] > stop:
            mixed = steps[stop]
            share = _share(mixed, velocities[n], velocities[n + 1])
            end_s = mixed.start_s + share * (mixed.end_s - mixed.start_s)
        if end_s > start_s:
            pieces.append(_Step(start_s, end_s, velocities[n]))
        start_s = end_s
    return pieces


def _groups(steps: Sequence[_Step]) -> list[tuple[int, int]]:
    """Runs of steps ``[a, b)`` of one velocity; between two runs at most one step is mixed."""
    groups: list[tuple[int, int]] = []
    start = 0
    for stop in range(1, len(steps) + 1):
        if stop < len(steps) and _alike(steps[stop - 1], steps[stop]):
            continue
        if stop - start > 1 or steps[start].still:
            groups.append((start, stop))
        start = stop
    while True:
        gap = _unexplained(steps, groups)
        if gap is None:
            return groups
        # The fastest step is the one most likely to lie wholly within a stretch.
        fastest = max(range(*gap), key=lambda n: (steps[n].velocity.speed, -n))
        groups = sorted([*groups, (fastest, fastest + 1)])


def _unexplained(
    steps: Sequence[_Step], groups: Sequence[tuple[int, int]]
) -> tuple[int, int] | None:
    """The first steps between two runs that no turn inside a single step explains."""
    edges = [(0, 0), *groups, (len(steps), len(steps))]
    for (a, b), (c, d) in pairwise(edges):
        if b == c:
            continue
        if c - b > 1:
            return b, c
        step, before, after = steps[b], _mean(steps[a:b]), _mean(steps[c:d])
        share = _share(step, before, after)
        x = share * before.x + (1 - share) * after.x
        y = share * before.y + (1 - share) * after.y
        off = (step.velocity - Velocity(x, y)).speed * (step.end_s - step.start_s)
        if off > 2 * STILL + SAME_VELOCITY * step.velocity.speed:
            return b, c
    return None


def _share(step: _Step, before: Velocity, after: Velocity) -> float:
    """How much of a step passes at the velocity before it, 0..1; the rest at the one after."""
    turn = before - after
    rest = step.velocity - after
    square = turn.x**2 + turn.y**2
    share = (rest.x * turn.x + rest.y * turn.y) / square if square > 0 else 0.5
    return min(1.0, max(0.0, share))


def _alike(a: _Step, b: _Step) -> bool:
    if a.still or b.still:
        return a.still and b.still
    dt = min(a.end_s - a.start_s, b.end_s - b.start_s)
    slack = STILL / dt + SAME_VELOCITY * min(a.velocity.speed, b.velocity.speed)
    return (a.velocity - b.velocity).speed < slack


def _mean(steps: Sequence[_Step]) -> Velocity:
    if all(step.still for step in steps):
        return REST
    count = len(steps)
    return Velocity(
        sum(s.velocity.x for s in steps) / count, sum(s.velocity.y for s in steps) / count
    )
