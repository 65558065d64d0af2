"""Conversations of a human and a model, and the options listed in a question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from pydantic import Field

from pipeline.manifest.adapters.adapter import RawRecord

_TOKEN = re.compile(r"<(?:image|video)>")
_OPTION = re.compile(r"\s*\(?([A-Z])[.):]\s*(.*\S)\s*")
_CLOSING = re.compile(r"\s*please\b", re.IGNORECASE)
_LETTER = re.compile(r"\s*\(?([A-Z])(?:[.):]\s*(.*?))?\s*", re.DOTALL)


class Turn(RawRecord):
    """A message of one of the two."""

    speaker: str = Field(alias="from")
    value: str | None = None


@dataclass(frozen=True)
class TurnPair:
    """A question and its answer; ``turn`` is the index of the answer in the conversation."""

    question: str | None
    answer: str | None
    turn: int


def turn_pairs(turns: Sequence[Turn]) -> Iterator[TurnPair] | None:
    """The pairs of a conversation; None unless ``human`` and ``gpt`` alternate and ``gpt`` is last.

    Placeholders of the video are removed from the questions.
    """
    speakers = [turn.speaker for turn in turns]
    if not turns or speakers != ["human", "gpt"] * (len(turns) // 2):
        return None
    return (
        TurnPair(_without_tokens(turns[i].value), turns[i + 1].value, i + 1)
        for i in range(0, len(turns), 2)
    )


def split_options(question: str) -> tuple[str, tuple[str, ...]]:
    """The question without its options, and the options without their letters, in order.

    Options are lines ``A. ...``, ``B. ...`` after the question. Lines after them that begin with
    "Please" are instructions, and are dropped. Where there are not at least two options from A on,
    the question is returned unchanged.
    """
    lines = question.rstrip().split("\n")
    while len(lines) > 1 and (not lines[-1].strip() or _CLOSING.match(lines[-1])):
        lines.pop()
    found: list[re.Match[str]] = []
    while len(lines) > 1 and (option := _OPTION.fullmatch(lines[-1])):
        found.insert(0, option)
        lines.pop()
        if option[1] == "A":
            break
    if len(found) < 2 or [option[1] for option in found] != list(ascii_uppercase[: len(found)]):
        return question, ()
    return "\n".join(lines).strip(), tuple(option[2] for option in found)


def chosen_option(answer: str, options: Sequence[str]) -> str:
    """The text of the option that an answer ``D`` or ``D. text`` names.

    An answer without a letter, or whose letter and text do not match, is returned unchanged.
    """
    found = _LETTER.fullmatch(answer)
    if found is None or ascii_uppercase.index(found[1]) >= len(options):
        return answer
    option = options[ascii_uppercase.index(found[1])]
    return option if not found[2] or _same(found[2], option) else answer


def _same(text: str, other: str) -> bool:
    return " ".join(text.split()).casefold() == " ".join(other.split()).casefold()


def _without_tokens(text: str | None) -> str | None:
    return None if text is None else _TOKEN.sub("", text).strip()
