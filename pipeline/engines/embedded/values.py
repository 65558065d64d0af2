"""What holds of things in a film, frame by frame: where they are, their colour, what they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from pipeline.engines.embedded.colour import NAMES
from pipeline.engines.embedded.motion import is_moving
from pipeline.engines.embedded.phrases import SHAPES, place_of
from pipeline.engines.embedded.tracks import Film, Track


class Value(Protocol):
    """What holds in a frame, by its index: None where that cannot be decided from the frames."""

    def __call__(self, index: int) -> str | None:
        """Empty where the subject is not in view."""
        ...


@dataclass(frozen=True)
class Thing:
    """What can be asked about by a name: tracks one after another."""

    name: str
    tracks: tuple[Track, ...]

    def seen(self, index: int) -> Track | None:
        """The track of it in a frame, or None where it is not in view."""
        return next((t for t in self.tracks if t.at(index)), None)


def values_of(film: Film) -> Iterator[tuple[str, str, Value]]:
    """All that can be told of a film: aspect, subject, and what holds."""
    if not film.plain:
        yield "scene", "picture", partial(main_colour, film)
        yield "action", "picture", partial(stir, film)
        return
    yield "count", "shapes", partial(count, film)
    yield "scene", "background", partial(background, film)
    for thing in things(film):
        if thing.name in SHAPES:
            yield "attribute", thing.name, partial(colour, thing)
        yield "position", thing.name, partial(place, thing)
        yield "action", thing.name, partial(doing, thing)


def count(film: Film, index: int) -> str:
    """How many shapes are in view, in digits."""
    return str(sum(track.at(index) is not None for track in film.shapes))


def background(film: Film, index: int) -> str:
    """The colour of a plain background."""
    return film.observations[index].background


def main_colour(film: Film, index: int) -> str:
    """The colour of most of the picture."""
    return film.observations[index].main_colour


def stir(film: Film, index: int) -> str | None:
    """``moving`` or ``still``; of the first frame of a scene, which has none before it, unknown."""
    if index == 0 or index in film.cuts:
        return None
    return "moving" if film.stirs(index) else "still"


def colour(thing: Thing, index: int) -> str:
    """The colour of a thing."""
    track = thing.seen(index)
    sighting = track.at(index) if track else None
    return sighting.colour if sighting else ""


def place(thing: Thing, index: int) -> str:
    """The third of the picture in which a thing is."""
    track = thing.seen(index)
    sighting = track.at(index) if track else None
    return place_of(sighting.blob.cx) if sighting else ""


def doing(thing: Thing, index: int) -> str | None:
    """``moving`` or ``still``."""
    track = thing.seen(index)
    if track is None:
        return ""
    moving = is_moving(track, index)
    return None if moving is None else "moving" if moving else "still"


def named(film: Film, name: str, index: int) -> Thing | None:
    """What a name stands for in a frame: the one shape of that kind (and colour) in view.

    A thing keeps the colour it is called by when it turns another, so of several shapes in view
    the one that has ever had the colour is meant.
    """
    words = name.split()
    colour, shape = ("", words[0]) if len(words) == 1 else (words[0], words[-1])
    if len(words) > 2 or shape not in SHAPES or (colour and colour not in NAMES):
        return None
    near = [t for t in film.shapes if t.shape == shape and t.at(index)]
    if colour:
        near = (
            [t for t in near if (s := t.at(index)) and s.colour == colour and _start(t) == colour]
            or [t for t in near if _start(t) == colour]
            or [t for t in near if (s := t.at(index)) and s.colour == colour]
        )
    return Thing(name, tuple(near)) if len(near) == 1 else None


def things(film: Film) -> Sequence[Thing]:
    """What questions can be asked about: a shape by its name, or by its first colour and name.

    Tracks one after another are one thing that comes back where the later one begins in the colour
    in which the earlier ended. A name that two things share is no name.
    """
    found: list[list[Track]] = []
    for track in film.shapes:
        for thing in found:
            last = thing[-1]
            same = last.shape == track.shape
            if same and last.last < track.first and _end(last) == _start(track):
                thing.append(track)
                break
        else:
            found.append([track])
    shapes = [thing[0].shape for thing in found]
    names = [
        shape if shapes.count(shape) == 1 else f"{_start(thing[0])} {shape}"
        for shape, thing in zip(shapes, found, strict=True)
    ]
    return [
        Thing(name, tuple(thing))
        for name, thing in zip(names, found, strict=True)
        if names.count(name) == 1
    ]


def _start(track: Track) -> str:
    return track.sightings[0].colour


def _end(track: Track) -> str:
    return track.sightings[-1].colour
