"""Questions that follow one another, summaries, and questions about them: in set words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from pipeline.engines.embedded.changes import change_of
from pipeline.engines.embedded.near_miss import near_miss
from pipeline.engines.embedded.questions import UNKNOWN, answer_at, asked_of
from pipeline.engines.embedded.texts import shortened
from pipeline.engines.embedded.tracks import Film

KINDS = {
    "attribute": "descriptive",
    "position": "descriptive",
    "scene": "descriptive",
    "count": "counting",
    "action": "action",
}
WANTS: Mapping[str, str] = {
    "now": "",
    "before": " I mean before that last changed.",
    "next": " Tell me when that changes.",
    "each": " Tell me each time that changes.",
    "all": " Tell me now, and each time that changes.",
}
"""What a question ends with, by what it asks for."""
FOLLOWING: Mapping[str, str] = {
    "now": "And now?",
    "before": "And before that?",
    "next": "And what is next?",
}
"""A question that goes on from another, by what it asks for."""
PAST = "Which of these went on before?"
LONGEST = 1500


class MadeUp(NamedTuple):
    """A question about a summary, its answer, and wrong ones."""

    question: str
    answer: str
    distractors: list[str]


def questions_about(
    subject: str, aspect: str, wants: Sequence[str], *, follow_up: bool, dependent: bool
) -> tuple[str, str]:
    """A question, and the one that follows it; empty without ``follow_up``."""
    base = asked_of(KINDS.get(aspect, "descriptive"), aspect, subject, "")
    first = base + WANTS[wants[0]]
    if not follow_up:
        return first, ""
    return first, FOLLOWING[wants[1]] if dependent else base + WANTS[wants[1]]


def summary_of(lines: Sequence[str]) -> str:
    """The sentences of all lines, each once."""
    sentences = dict.fromkeys(each for line in lines for each in _sentences(line))
    return " ".join(sentences)[:LONGEST] or "Nothing."


def question_about(summary: str, most: int) -> MadeUp | None:
    """Over the first sentence of a summary in which one thing can be another; None without one."""
    for sentence in _sentences(summary):
        wrong: dict[str, str] = {}
        changed = sentence
        for _ in range(most):
            found = near_miss(changed)
            if found is None:
                break
            changed = re.sub(rf"\b{re.escape(found[1])}\b", found[2], changed, count=1)
            if changed not in summary:
                wrong[changed] = changed
        if wrong:
            return MadeUp(PAST, sentence, list(wrong))
    return None


def answer_in_context(
    film: Film,
    question: str,
    options: Sequence[str],
    exchange: Sequence[Mapping[str, str]],
    memory: Sequence[str],
) -> str:
    """One of the options, or ``unknown``: also where a question goes on from one that is not
    there, or asks for the past where neither memory nor frames show it."""
    if question == PAST:
        said = {*_sentences(" ".join(memory)), *_seen(film, options)}
        return next((option for option in options if option in said), UNKNOWN)
    want = next((name for name, text in FOLLOWING.items() if text == question), "")
    if want and not exchange:
        return UNKNOWN
    asked = exchange[-1]["question"] if want else question
    base, own = _base(asked)
    value = _value(film, base, want or own)
    return value if value in options else UNKNOWN


def _base(question: str) -> tuple[str, str]:
    """A question without its ending, and what that asks for."""
    for name, ending in WANTS.items():
        if ending and question.endswith(ending):
            return question.removesuffix(ending), name
    return question, "now"


def _value(film: Film, base: str, want: str) -> str:
    last = len(film.times) - 1
    now = answer_at(film, base, last) if film.times else None
    if want != "before" or not now:
        return now or UNKNOWN
    earlier = (answer_at(film, base, index) for index in range(last - 1, -1, -1))
    return next((value for value in earlier if value and value != now), UNKNOWN)


def _seen(film: Film, options: Sequence[str]) -> set[str]:
    """The changes from frame to frame, in as many words as an option has."""
    changes = {change_of(pair) for pair in pairwise(film.observations)} - {""}
    lengths = {len(option.split()) for option in options}
    return {shortened(change, length) for change in changes for length in lengths}


def _sentences(text: str) -> list[str]:
    return [each.strip() for each in re.findall(r"[^.]+\.", text)]
