"""The type of a film, questions of that type, which films they bear on, and answers up to now."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pipeline.engines.embedded import values
from pipeline.engines.embedded.motion import (
    Motion,
    Velocity,
    direction_words,
    is_moving,
    motions_of,
)
from pipeline.engines.embedded.phrases import SHAPES
from pipeline.engines.embedded.questions import UNKNOWN, is_answered
from pipeline.engines.embedded.tracks import Film
from pipeline.engines.embedded.values import Thing, named

BACKGROUND = "background"


class Form(NamedTuple):
    """A kind of question about a subject, ``{}``, and how it is answered."""

    words: str
    answer: Callable[[Film, str], str | None]

    def subject_of(self, question: str) -> str | None:
        """What a question of this form is about."""
        pattern = re.escape(self.words).replace(re.escape("{}"), "(.+)")
        match = re.fullmatch(pattern, question.strip())
        return match[1] if match else None


def kind_of(film: Film) -> str:
    """What a film is best asked about: what has a colour no more, several scenes, what is still to
    come, what moves, or what there is."""
    things = values.things(film)
    if any(len(_colours(film, thing.name)) > 1 for thing in things):
        return "memory_dependent"
    if film.cuts:
        return "temporal_aggregation"
    if any(_enters(thing) for thing in things):
        return "anticipatory_monitoring"
    if _motions(film):
        return "dynamic_event_description"
    return "immediate_visual"


def questions_of(film: Film, kind: str) -> Sequence[str]:
    """All questions of a type about the things of a film, those first that are seldom in view.

    What changes its colour is asked about by its shape alone, so that any frame tells it; and so is
    whatever is asked about its colour over time, or its name would tell the answer.
    """
    things = values.things(film)
    steady = [t for t in things if t.name in SHAPES or len(_colours(film, t.name)) == 1]
    often = sorted(steady, key=lambda thing: sum(len(t.sightings) for t in thing.tracks))
    subjects = [thing.name for thing in often]
    if kind in ("memory_dependent", "temporal_aggregation"):
        subjects = [*(name for name in subjects if name in SHAPES), BACKGROUND]
    if kind == "dynamic_event_description":
        moving = [motion.track for motion in _motions(film)]
        moved = [thing.name for thing in often if any(t in moving for t in thing.tracks)]
        subjects = moved or subjects
    forms = [FORMS[name] for name in OF_KIND.get(kind, ())]
    return [form.words.format(subject) for subject in subjects for form in forms] or [
        FORMS["colour"].words.format(BACKGROUND)
    ]


def relevant_to(film: Film, question: str) -> bool:
    """Whether some frame of a film shows what is asked about; for which way it moves, it moves; for
    a question of another form, whether some frame answers it."""
    for form in FORMS.values():
        subject = form.subject_of(question)
        if subject is None:
            continue
        if form is FORMS["way"]:
            return bool(form.answer(film, subject))
        shown = range(len(film.times))
        return subject == BACKGROUND or any(named(film, subject, index) for index in shown)
    return is_answered(film, question)


def answer_so_far(film: Film, question: str) -> str:
    """The answer that a film gives up to its last frame; ``unknown`` where it gives none."""
    for form in FORMS.values():
        subject = form.subject_of(question)
        if subject is not None:
            return form.answer(film, subject) or UNKNOWN
    return UNKNOWN


def _motions(film: Film) -> Sequence[Motion]:
    return motions_of(film, film.times[-1]) if film.times else ()


def _enters(thing: Thing) -> bool:
    return min(track.first for track in thing.tracks) > 0


def _latest(film: Film, name: str) -> Thing | None:
    """What a name stands for in the last frame in which it stands for something."""
    found = (named(film, name, index) for index in reversed(range(len(film.times))))
    return next((thing for thing in found if thing), None)


def _colours(film: Film, subject: str) -> list[str]:
    """The colours that a subject has had, in order, each once."""
    if subject == BACKGROUND:
        had = [seen.background for seen in film.observations]
    else:
        things = {thing for i in range(len(film.times)) if (thing := named(film, subject, i))}
        tracks = sorted((t for thing in things for t in thing.tracks), key=lambda t: t.first)
        had = [sighting.colour for track in tracks for sighting in track.sightings]
    return list(dict.fromkeys(had))


def _colour(film: Film, subject: str) -> str | None:
    if subject == BACKGROUND and film.times:
        return values.background(film, len(film.times) - 1)
    thing = _latest(film, subject)
    return values.colour(thing, _last(thing)) if thing else None


def _place(film: Film, subject: str) -> str | None:
    thing = _latest(film, subject)
    return values.place(thing, _last(thing)) if thing else None


def _first_colour(film: Film, subject: str) -> str | None:
    return next(iter(_colours(film, subject)), None)


def _number_of_colours(film: Film, subject: str) -> str | None:
    return str(len(_colours(film, subject))) if _colours(film, subject) else None


def _way(film: Film, subject: str) -> str | None:
    """Which way the subject moves as of the last frame that shows it, by that and the one before;
    of two frames alone, between them."""
    thing = _latest(film, subject)
    track = thing.tracks[-1] if thing else None
    if track is None or len(track.sightings) < 2 or not is_moving(track, track.last):
        return None
    before, last = track.sightings[-2:]
    return direction_words(Velocity(last.x - before.x, last.y - before.y))


def _last(thing: Thing) -> int:
    return thing.tracks[-1].last


FORMS: Mapping[str, Form] = {
    "first": Form("Which colour did the {} have at first?", _first_colour),
    "number": Form("How many colours has the {} had so far?", _number_of_colours),
    "arrival": Form("As soon as the {} is in view: where is it?", _place),
    "way": Form("Which way does the {} move?", _way),
    "colour": Form("Which colour does the {} have now?", _colour),
    "place": Form("Where is the {} now?", _place),
}
OF_KIND: Mapping[str, Sequence[str]] = {
    "immediate_visual": ("colour", "place"),
    "memory_dependent": ("first",),
    "temporal_aggregation": ("number",),
    "anticipatory_monitoring": ("arrival",),
    "dynamic_event_description": ("way",),
}
"""The forms of the questions of each type."""
