"""Conversations of a human and a model, and the options that a question lists."""

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
    """What one of the two says."""

    speaker: str = Field(alias="from")
    value: str | None = None


@dataclass(frozen=True)
class TurnPair:
    """A question and its answer; ``turn`` is the place of the answer in the conversation."""

    question: str | None
    answer: str | None
    turn: int


def turn_pairs(turns: Sequence[Turn]) -> Iterator[TurnPair] | None:
    """Question by question; None unless ``human`` and ``gpt`` take turns and ``gpt`` is the last.

    The tokens that stand for the video are taken out of the questions.
    """
    speakers = [turn.speaker for turn in turns]
    if not turns or speakers != ["human", "gpt"] * (len(turns) // 2):
        return None
    return (
        TurnPair(_without_tokens(turns[i].value), turns[i + 1].value, i + 1)
        for i in range(0, len(turns), 2)
    )


def listed(question: str) -> tuple[str, tuple[str, ...]]:
    """The question without its options, and they without their letters, in order.

    Options are lines ``A. ...``, ``B. ...`` behind the question; what is behind them and begins
    with "Please" is how to answer, and dropped. Where there are not two of them from A on, the
    question is handed back as it is.
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


def chosen(answer: str, options: Sequence[str]) -> str:
    """The option that an answer ``D`` or ``D. text`` names, in the words of the option.

    An answer whose letter and text are of different options, or that has no letter, is handed back
    as it is.
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
