"""What a sequence of frames shows: things followed from frame to frame, and scene cuts.

Lengths are in heights of the picture, so that a direction is the one seen on screen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import hypot, log

from pipeline.engines.embedded.colour import difference
from pipeline.engines.embedded.observe import Blob, Observation, Shape

FURTHEST = 1.0
"""Furthest that a thing is followed between two frames."""
SAME_COLOUR = 15.0
"""Two sightings of one colour look no further apart than this."""

MOVEMENT = 0.03
"""Least change of the grey picture between two frames in which something moves."""


@dataclass(frozen=True)
class Sighting:
    """A thing in one frame. ``colour`` is the name it keeps for as long as it looks alike."""

    index: int
    time_s: float
    blob: Blob
    x: float
    y: float
    colour: str


@dataclass(frozen=True)
class Track:
    """One thing, in consecutive frames."""

    shape: Shape
    """Its most frequent shape, if its outline can be recognised."""
    sightings: tuple[Sighting, ...]

    @property
    def first(self) -> int:
        """Index of the first frame that shows it."""
        return self.sightings[0].index

    @property
    def last(self) -> int:
        """Index of the last frame that shows it."""
        return self.sightings[-1].index

    def at(self, index: int) -> Sighting | None:
        """The sighting in a frame, or None."""
        return self.sightings[index - self.first] if self.first <= index <= self.last else None


@dataclass(frozen=True)
class Film:
    """A sequence of frames, in order of time, and what goes on in it."""

    times: tuple[float, ...]
    observations: tuple[Observation, ...]
    tracks: tuple[Track, ...]
    """In order of their first frame, larger things first."""
    cuts: tuple[int, ...]
    """Indices of the frames that open a new scene."""

    @property
    def plain(self) -> bool:
        """Whether most frames show things on a plain background."""
        return 2 * sum(seen.plain for seen in self.observations) > len(self.observations)

    @property
    def shapes(self) -> tuple[Track, ...]:
        """The tracks with an outline that has a name."""
        return tuple(t for t in self.tracks if t.shape != "region")

    def stretches(
        self, holds: Callable[[int], bool], duration_s: float
    ) -> list[tuple[float, float]]:
        """The spans in which frames satisfy ``holds``, in order.

        A span starts and ends midway between a frame that does and one that does not.
        """
        found: list[tuple[float, float]] = []
        start: float | None = None
        for index in range(len(self.times)):
            if holds(index) and start is None:
                start = self.before(index)
            elif not holds(index) and start is not None:
                found.append((start, self.before(index)))
                start = None
        if start is not None:
            found.append((start, duration_s))
        return [(a, b) for a, b in found if b > a]

    def span_of(self, track: Track, duration_s: float) -> tuple[float, float]:
        """When a track is in view."""
        after = track.last + 1
        end_s = self.before(after) if after < len(self.times) else duration_s
        return self.before(track.first), end_s

    def stirs(self, index: int) -> bool:
        """Whether something moves, within one scene, between the frame before and this one."""
        if index == 0 or index in self.cuts:
            return False
        change = picture_change(self.observations[index - 1], self.observations[index])
        return change > MOVEMENT

    def before(self, index: int) -> float:
        """Midway between the frame before and this one; zero for the first frame."""
        return (self.times[index - 1] + self.times[index]) / 2 if index else 0.0


def film_of(times: Sequence[float], observations: Sequence[Observation]) -> Film:
    """The film of frames in order of time."""
    cuts = [n for n in range(1, len(times)) if is_cut(observations[n - 1], observations[n])]
    return Film(tuple(times), tuple(observations), _follow(times, observations), tuple(cuts))


def is_cut(before: Observation, after: Observation) -> bool:
    """Whether two consecutive frames belong to different scenes."""
    if before.plain and after.plain:
        return difference(before.background_lab, after.background_lab) > SAME_COLOUR
    shared = sum(min(a, b) for a, b in zip(before.shares, after.shares, strict=True))
    return shared < 0.55 and picture_change(before, after) > 0.12


def picture_change(before: Observation, after: Observation) -> float:
    """Mean difference of the two grey pictures, 0..1."""
    total = sum(abs(a - b) for a, b in zip(before.thumb, after.thumb, strict=True))
    return total / (255 * len(before.thumb))


def _follow(times: Sequence[float], observations: Sequence[Observation]) -> tuple[Track, ...]:
    paths: list[list[tuple[int, Blob]]] = []
    live: list[list[tuple[int, Blob]]] = []
    for index, seen in enumerate(observations):
        pairs = [
            (cost, p, b)
            for p, path in enumerate(live)
            for b, blob in enumerate(seen.blobs)
            if (cost := _cost(path, blob, index, times, seen.aspect)) is not None
        ]
        followed: list[list[tuple[int, Blob]]] = []
        taken_paths: set[int] = set()
        taken: set[int] = set()
        for _, p, b in sorted(pairs):
            if p in taken_paths or b in taken:
                continue
            taken_paths.add(p)
            taken.add(b)
            live[p].append((index, seen.blobs[b]))
            followed.append(live[p])
        new = [[(index, blob)] for b, blob in enumerate(seen.blobs) if b not in taken]
        paths.extend(new)
        live = followed + new
    return tuple(_track(path, times, observations) for path in paths)


def _cost(
    path: Sequence[tuple[int, Blob]], blob: Blob, index: int, times: Sequence[float], aspect: float
) -> float | None:
    """How unlikely it is that the blob is the next sighting of a path; None where it cannot be."""
    last = path[-1][1]
    dx, dy = (blob.cx - last.cx) * aspect, blob.cy - last.cy
    away = hypot(dx, dy)
    if len(path) > 1:
        (index_a, a), (index_b, b) = path[-2:]
        step = (times[index] - times[index_b]) / max(times[index_b] - times[index_a], 1e-6)
        on_x = blob.cx - b.cx - (b.cx - a.cx) * step
        on_y = blob.cy - b.cy - (b.cy - a.cy) * step
        away = min(away, hypot(on_x * aspect, on_y))
    growth = abs(log(max(blob.area, 1e-6) / max(last.area, 1e-6)))
    vague = "region" in (blob.shape, last.shape)
    if difference(blob.lab, last.lab) < SAME_COLOUR * 1.3:
        if not vague and (blob.shape != last.shape or growth > 0.7):
            return None
        return away + 0.2 * growth if away <= (FURTHEST / 2 if vague else FURTHEST) else None
    if vague or blob.shape != last.shape or away > 0.2 or growth > 0.3:
        return None
    return 0.5 + away


def _track(
    path: Sequence[tuple[int, Blob]], times: Sequence[float], observations: Sequence[Observation]
) -> Track:
    outlines: Counter[Shape] = Counter(b.shape for _, b in path if b.shape != "region")
    shapes = sorted(outlines, key=lambda s: (-outlines[s], s))
    clear = 2 * sum(outlines.values()) >= len(path)
    shape: Shape = shapes[0] if shapes and clear else "region"
    colours = _settled_colours([blob for _, blob in path])
    return Track(
        shape,
        tuple(
            Sighting(i, times[i], blob, blob.cx * observations[i].aspect, blob.cy, colour)
            for (i, blob), colour in zip(path, colours, strict=True)
        ),
    )


def _settled_colours(blobs: Sequence[Blob]) -> list[str]:
    """The commonest name in each run of like colours, so that a colour near a border keeps one."""
    runs: list[list[Blob]] = []
    for blob in blobs:
        if runs and difference(runs[-1][0].lab, blob.lab) < SAME_COLOUR:
            runs[-1].append(blob)
        else:
            runs.append([blob])
    colours: list[str] = []
    for run in runs:
        names = Counter(blob.colour for blob in run)
        colours += [min(names, key=lambda n: (-names[n], n))] * len(run)
    return colours
