"""How well a text says what is expected: without a model. A score by a model is in ``judge``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from string import ascii_uppercase

from pipeline.scoring.item import Expected, Item, Said, TextScore

_LETTER = re.compile(r"\W*\(?([A-Z])(?:[).:,\s]|$)")
_NO_WORD = re.compile(r"[^\w\s]")


def plain(text: str) -> str:
    """A text without case, punctuation and surplus space."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_NO_WORD.sub(" ", folded).split())


def letter(text: str) -> str:
    """The letter of an option that an answer begins with, such as ``B`` of ``B. three``; empty
    without one."""
    found = _LETTER.match(text)
    return found[1] if found else ""


def option_of(item: Item, text: str) -> str:
    """The letter of the option that an answer names, by its letter or its words; empty where it
    names none."""
    letters = ascii_uppercase[: len(item.options)]
    if (first := letter(text)) and first in letters:
        return first
    named = [
        x for x, each in zip(letters, item.options, strict=False) if plain(each) == plain(text)
    ]
    return named[0] if named else ""


def _exact(item: Item, due: Expected, one: Said) -> float:
    del item
    return float(plain(due.text) == plain(one.text))


def _option(item: Item, due: Expected, one: Said) -> float:
    if not item.options:
        return _exact(item, due, one)
    chosen = option_of(item, one.text)
    return float(bool(chosen) and chosen == option_of(item, due.text))


def _any(item: Item, due: Expected, one: Said) -> float:
    del item, due
    return float(bool(one.text.strip()))


TEXT_SCORES: Mapping[str, tuple[str, TextScore]] = {
    "option": ("the option where there are options, else the same words", _option),
    "exact": ("the same words, whatever case and punctuation", _exact),
    "any": ("any text is right", _any),
}
"""By name, with what a protocol says of it."""
