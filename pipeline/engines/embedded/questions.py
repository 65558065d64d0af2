"""Questions over what changes about a thing, and the answers that frames give to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from pipeline.engines.embedded import values
from pipeline.engines.embedded.colour import NAMES
from pipeline.engines.embedded.phrases import PLACES
from pipeline.engines.embedded.tracks import Film
from pipeline.engines.embedded.values import Thing, Value, named

JITTER_S = 0.1
"""By how much a gap between frames may fall short: the frame shown at a time can be a bit older."""
UNKNOWN = "unknown"
MOST_COUNTED = 9

FILM_VALUES: Mapping[str, Callable[[Film, int], str | None]] = {
    "shapes": values.count,
    "background": values.background,
    "most of the picture": values.main_colour,
    "the picture": values.stir,
}
THING_VALUES: Mapping[str, Callable[[Thing, int], str | None]] = {
    "colour": values.colour,
    "place": values.place,
    "doing": values.doing,
}
FORMS: Sequence[tuple[str, str]] = (
    (r"how many shapes are in view\?", "shapes"),
    (r"is the number of shapes in view (?P<value>\d+)\?", "shapes"),
    (r"(in which|what) colour is the background\?", "background"),
    (r"is the background (?P<value>\w+)\?", "background"),
    (r"(which colour covers|what colour is) most of the picture\?", "most of the picture"),
    (r"is most of the picture (?P<value>\w+)\?", "most of the picture"),
    (r"(what goes on in the picture|is the picture moving or still)\?", "the picture"),
    (r"is the picture (?P<value>moving|still)\?", "the picture"),
    (r"(in which|what) colour is the (?P<name>.+)\?", "colour"),
    (r"where is the (?P<name>.+)\?", "place"),
    (r"what is the (?P<name>.+) doing\?", "doing"),
    (r"is the (?P<name>.+) moving or still\?", "doing"),
    (r"is the (?P<name>.+) (?P<value>moving|still)\?", "doing"),
    (r"is the (?P<name>.+) (on|in) the (?P<value>left|middle|right)\?", "place"),
    (r"is the (?P<name>.+) (?P<value>\w+)\?", "colour"),
)
"""What is understood, the first that fits: with a value, the answer is yes or no."""
ASKED: Mapping[tuple[str, str], str] = {
    ("count", "counting"): "How many shapes are in view?",
    ("count", "binary"): "Is the number of shapes in view {value}?",
    ("position", "descriptive"): "Where is the {subject}?",
    ("position", "binary"): "Is the {subject} {place} the {value}?",
    ("attribute", "descriptive"): "What colour is the {subject}?",
    ("attribute", "state"): "In which colour is the {subject}?",
    ("scene", "descriptive"): "What colour is {subject}?",
    ("scene", "state"): "In which colour is {subject}?",
    ("action", "action"): "What is the {subject} doing?",
    ("action", "state"): "Is the {subject} moving or still?",
}
"""By aspect and kind. Any other binary question is whether the subject is so."""
PICTURE: Mapping[tuple[str, str], str] = {
    ("scene", "descriptive"): "What colour is most of the picture?",
    ("scene", "state"): "Which colour covers most of the picture?",
    ("scene", "binary"): "Is most of the picture {value}?",
    ("action", "action"): "What goes on in the picture?",
}
VALUES: Mapping[str, Sequence[str]] = {
    "attribute": NAMES,
    "scene": NAMES,
    "position": PLACES,
    "count": tuple(str(number) for number in range(MOST_COUNTED + 1)),
    "action": ("moving", "still"),
}
"""All that can hold, by aspect."""


@dataclass(frozen=True)
class QuestionMade:
    """A question, its answers with the times in seconds from which they are right, and answers that
    are right at no time."""

    question: str
    answers: tuple[tuple[float, str], ...]
    distractors: tuple[str, ...]


def question_of(
    kind: str,
    aspect: str,
    subject: str,
    moments: Sequence[tuple[float, str]],
    min_gap_s: float,
    distractors: int,
) -> QuestionMade:
    """A question of a kind about what holds of a subject from each moment on, empty where it is
    not in view.

    It has no answers where they would follow each other in less than ``min_gap_s``: what is left
    after dropping the shorter-lived answer would be untrue for a while.
    """
    held = [value for _, value in moments if value]
    claimed = next((value for value in held if value != held[0]), "")
    answers: list[tuple[float, str]] = []
    for time_s, value in moments:
        said = _yes_or_no(value == claimed) if kind == "binary" else value
        if value and (not answers or answers[-1][1] != said):
            answers.append((time_s, said))
    if any(b - a < min_gap_s - JITTER_S for (a, _), (b, _) in pairwise(answers)):
        answers = []
    wrong = [value for value in _from(VALUES.get(aspect, ()), held) if value not in held]
    text = asked_of(kind, aspect, subject, claimed)
    return QuestionMade(text, tuple(answers), tuple(wrong[:distractors]))


def answer_at_end(film: Film, question: str, options: Sequence[str]) -> str:
    """The answer that the last frame gives, one of the options; ``unknown`` where it gives none."""
    value = answer_at(film, question, len(film.times) - 1) if film.times else None
    return value if value and value in options else UNKNOWN


def is_answered(film: Film, question: str) -> bool:
    """Whether some frame of a film answers a question."""
    return any(answer_at(film, question, index) for index in range(len(film.times)))


def asked_of(kind: str, aspect: str, subject: str, claimed: str) -> str:
    """The question of a kind about an aspect of a subject; a binary one names the ``claimed``."""
    forms = {**ASKED, **PICTURE} if subject == "picture" else ASKED
    form = forms.get((aspect, kind)) or "Is the {subject} {value}?"
    name = f"the {subject}" if aspect == "scene" and kind != "binary" else subject
    return form.format(subject=name, value=claimed, place="in" if claimed == "middle" else "on")


def _from(known: Sequence[str], held: Sequence[str]) -> Sequence[str]:
    """The values in their order, from the one that holds first: its neighbours come early."""
    at = known.index(held[0]) if held and held[0] in known else 0
    return (*known[at:], *known[:at])


def answer_at(film: Film, question: str, index: int) -> str | None:
    """The answer to a question in a frame; None or empty where it is not understood, or cannot be
    decided."""
    text = " ".join(question.lower().replace("color", "colour").split())
    for form, what in FORMS:
        match = re.fullmatch(form, text)
        if match is None:
            continue
        given = match.groupdict()
        value = _value(film, what, given.get("name") or "", index)
        now = value(index) if value else None
        claimed = given.get("value")
        return _yes_or_no(now == claimed) if now and claimed else now
    return None


def _yes_or_no(truth: bool) -> str:
    return "yes" if truth else "no"


def _value(film: Film, what: str, name: str, index: int) -> Value | None:
    if what in FILM_VALUES:
        return partial(FILM_VALUES[what], film)
    thing = named(film, name, index)
    return partial(THING_VALUES[what], thing) if thing else None
