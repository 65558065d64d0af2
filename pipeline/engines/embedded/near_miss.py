"""The editor's near miss: one word of a claim that is another, so that the claim is another."""

from __future__ import annotations

import hashlib
import re

from pipeline.engines.embedded.colour import NAMES
from pipeline.engines.embedded.phrases import DIRECTIONS, SHAPES, a

_KINDS = {"colour": tuple(NAMES), "object": SHAPES, "direction": DIRECTIONS}


def near_miss(query: str) -> tuple[str, str, str] | None:
    """What is changed, the words that go and those that come; None where no word is known.

    Both choices follow from the query alone. An article changes with its word.
    """
    found = [
        (_rank(query, place.start()), kind, place)
        for kind, words in _KINDS.items()
        for place in re.finditer(rf"(?:\b[Aa]n? )?\b({'|'.join(words)})\b", query)
    ]
    if not found:
        return None
    _, kind, place = min(found, key=lambda each: each[0])
    others = [word for word in _KINDS[kind] if word not in query.split()]
    new = min(others, key=lambda word: _rank(query, word))
    if place[0] != place[1]:
        new = a(new) if place[0][0] == "A" else a(new).lower()
    return kind, place[0], new


def _rank(query: str, choice: str | int) -> bytes:
    return hashlib.blake2b(f"{query} {choice}".encode(), digest_size=8).digest()
