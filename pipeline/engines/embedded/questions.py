"""Questions whose answer changes during a film, and the answers that frames give to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise, zip_longest

from pipeline.engines.embedded.colour import NAMES
from pipeline.engines.embedded.motion import is_moving
from pipeline.engines.embedded.phrases import SHAPES, place_of
from pipeline.engines.embedded.tracks import Film, Track

COUNT = "How many shapes are in view?"
SCENE = "What colour is the background?"
LOOK = "Which colour covers most of the picture?"
STIR = "Is anything moving in the picture?"
ASPECTS = ("attribute", "count", "action", "scene", "position")
"""The most telling kind of question first."""
JITTER_S = 0.1
"""By how much a gap between frames may fall short: the frame shown at a time can be a bit older."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class ChangingQuestion:
    """A question and its answers, each at the time of the first frame that shows it."""

    aspect: str
    question: str
    answers: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class _Subject:
    name: str
    tracks: tuple[Track, ...]

    def seen(self, index: int) -> Track | None:
        return next((t for t in self.tracks if t.at(index)), None)


def questions_of(film: Film, most: int, min_gap_s: float) -> list[ChangingQuestion]:
    """Questions with at least two answers.

    In rounds of one question of each of ``ASPECTS``, those with more answers first. A question is
    left out where two of its answers follow each other in less than ``min_gap_s``: what is left
    after dropping the shorter-lived answer would be untrue for a while. While its subject is out of
    view, a question has no answer.
    """
    found = [q for q in _candidates(film) if _well_spaced(q, min_gap_s)]
    found.sort(key=lambda q: (-len(q.answers), q.question))
    rounds = [[q for q in found if q.aspect == aspect] for aspect in ASPECTS]
    return [q for turn in zip_longest(*rounds) for q in turn if q is not None][: max(0, most)]


def answer_at_end(film: Film, question: str, options: Sequence[str]) -> str:
    """The answer that the last frame gives, one of the options; ``unknown`` where it gives none."""
    value = _value(film, question, len(film.times) - 1) if film.times else None
    return value if value is not None and value in options else UNKNOWN


def _candidates(film: Film) -> Iterator[ChangingQuestion]:
    if not film.plain:
        yield _changing(film, "scene", LOOK, partial(_look, film))
        yield _changing(film, "action", STIR, partial(_stir, film))
        return
    yield _changing(film, "count", COUNT, partial(_count, film))
    yield _changing(film, "scene", SCENE, partial(_background, film))
    for subject in _subjects(film):
        name = subject.name
        if name in SHAPES:
            question = f"What colour is the {name}?"
            yield _changing(film, "attribute", question, partial(_colour, subject))
        yield _changing(film, "position", f"Where is the {name}?", partial(_place, subject))
        yield _changing(film, "action", f"What is the {name} doing?", partial(_doing, subject))


def _changing(
    film: Film, aspect: str, question: str, value: Callable[[int], str | None]
) -> ChangingQuestion:
    answers: list[tuple[float, str]] = []
    for index, time_s in enumerate(film.times):
        now = value(index)
        if now is not None and (not answers or answers[-1][1] != now):
            answers.append((time_s, now))
    return ChangingQuestion(aspect, question, tuple(answers))


def _well_spaced(question: ChangingQuestion, min_gap_s: float) -> bool:
    times = [time_s for time_s, _ in question.answers]
    return len(times) > 1 and all(b - a >= min_gap_s - JITTER_S for a, b in pairwise(times))


def _subjects(film: Film) -> list[_Subject]:
    """What questions can be asked about: a shape by its name, or by its first colour and name.

    Tracks one after another are one thing that comes back where the later one begins in the colour
    in which the earlier ended. A name that two things share is no name.
    """
    things: list[list[Track]] = []
    for track in film.shapes:
        for thing in things:
            last = thing[-1]
            same = last.shape == track.shape
            if same and last.last < track.first and _end(last) == _start(track):
                thing.append(track)
                break
        else:
            things.append([track])
    shapes = [thing[0].shape for thing in things]
    names = [
        shape if shapes.count(shape) == 1 else f"{_start(thing[0])} {shape}"
        for shape, thing in zip(shapes, things, strict=True)
    ]
    return [
        _Subject(name, tuple(thing))
        for name, thing in zip(names, things, strict=True)
        if names.count(name) == 1
    ]


def _start(track: Track) -> str:
    return track.sightings[0].colour


def _end(track: Track) -> str:
    return track.sightings[-1].colour


def _value(film: Film, question: str, index: int) -> str | None:
    """The answer to a question in a frame; None if it is not understood or cannot be decided."""
    text = " ".join(question.lower().replace("color", "colour").split())
    if text == COUNT.lower():
        return _count(film, index)
    if text == SCENE.lower():
        return _background(film, index)
    if text == LOOK.lower():
        return _look(film, index)
    if text == STIR.lower():
        return _stir(film, index)
    forms: dict[str, Callable[[_Subject, int], str | None]] = {
        r"what colour is the (.+)\?": _colour,
        r"where is the (.+)\?": _place,
        r"what is the (.+) doing\?": _doing,
    }
    for form, value in forms.items():
        match = re.fullmatch(form, text)
        subject = _named(film, match.group(1), index) if match else None
        if subject is not None:
            return value(subject, index)
    return None


def _named(film: Film, name: str, index: int) -> _Subject | None:
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
    return _Subject(name, tuple(near)) if len(near) == 1 else None


def _count(film: Film, index: int) -> str:
    return str(sum(track.at(index) is not None for track in film.shapes))


def _background(film: Film, index: int) -> str:
    return film.observations[index].background


def _look(film: Film, index: int) -> str:
    return film.observations[index].main_colour


def _stir(film: Film, index: int) -> str | None:
    """The first frame of a scene has none before it to compare with."""
    if index == 0 or index in film.cuts:
        return None
    return "yes" if film.stirs(index) else "no"


def _colour(subject: _Subject, index: int) -> str | None:
    track = subject.seen(index)
    sighting = track.at(index) if track else None
    return sighting.colour if sighting else None


def _place(subject: _Subject, index: int) -> str | None:
    track = subject.seen(index)
    sighting = track.at(index) if track else None
    return place_of(sighting.blob.cx) if sighting else None


def _doing(subject: _Subject, index: int) -> str | None:
    track = subject.seen(index)
    moving = is_moving(track, index) if track else None
    return None if moving is None else "moving" if moving else "still"
