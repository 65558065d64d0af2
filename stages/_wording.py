"""Comparing texts of models, and which checks the verifier makes of the answers to a question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pipeline.records import Annotation, Question, Response
from pipeline.records.digest import digest

CheckName = Literal["answerable", "premature"]

UNKNOWN = "unknown"
"""What a model is to answer when the frames do not show the answer."""


def bare(text: str) -> str:
    """The text without case, without surplus white space and without a final full stop."""
    return " ".join(text.casefold().split()).rstrip(".")


def holds(text: str, words: str) -> bool:
    """Whether a text has some words in it, as words, whatever their case and punctuation."""
    return f" {_words(words)} " in f" {_words(text)} "


def _words(text: str) -> str:
    letters = "".join(each if each.isalnum() else " " for each in text.casefold())
    return " ".join(letters.split())


def majority(texts: Sequence[str]) -> str:
    """The text given most often, compared bare; ties go to the first given.

    Raises:
        ValueError: there are no texts.
    """
    if not texts:
        raise ValueError("no texts")
    chosen, _ = Counter(bare(t) for t in texts).most_common(1)[0]
    return next(t for t in texts if bare(t) == chosen)


def options(annotation: Annotation, question: Question) -> list[str]:
    """What a verifier chooses from: the options of the question; without any, the distinct answers
    to it and its distractors, in an order that says nothing about time."""
    if question.options:
        return question.options
    given = [r.text for r in annotation.responses if r.qid == question.qid]
    values = {bare(text): text for text in reversed([*given, *question.distractors])}
    return sorted(values.values(), key=lambda v: digest([annotation.annotation_id, v], 64))


def by_time(responses: Sequence[Response]) -> list[Response]:
    """The responses by the time they are due; responses due together stay as they were."""
    return sorted(responses, key=lambda r: r.respond_s)


def required_checks(responses: Sequence[Response]) -> list[tuple[Response, CheckName]]:
    """Every response with the checks it has to pass, in order of time.

    Each must be answerable when it is due. Each that differs from the one before it, and a first
    one behind the first frame, must also not be answered already by the frames before it.
    """
    pairs: list[tuple[Response, CheckName]] = []
    before: Response | None = None
    for response in by_time(responses):
        pairs.append((response, "answerable"))
        repeats = before is not None and bare(before.text) == bare(response.text)
        if response.respond_s > 0 and not repeats:
            pairs.append((response, "premature"))
        before = response
    return pairs
