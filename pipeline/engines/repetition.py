"""Whether a text goes round in circles: says what it said before, again and again."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.engines.answer import FreeText

PHRASE_CHARACTERS = 10
"""What stands twice is something said twice if it is at least so long. Counted in characters, since
not every script has blanks between words."""
MOST_REPEATED = 0.5
"""The share of a text that may have been said before in it: of 1,950 texts that people wrote about
videos (captions, queries, answers), none has more than 0.49 of it. Two times the same has 0.5."""
LEAST_CHARACTERS = 30
"""So many that were said before make a loop; "again and again and again" has fewer."""
READ_CHARACTERS = 4096
"""So much of a text is read: no schema of a stage lets one be longer."""


def repeated_characters(text: str) -> tuple[int, int]:
    """How many characters of a text stand in phrases that stood in it before, and how many it has.

    Case and the kind of white space count for nothing.
    """
    read = " ".join(text[:READ_CHARACTERS].casefold().split())
    phrases = [read[i : i + PHRASE_CHARACTERS] for i in range(len(read) - PHRASE_CHARACTERS + 1)]
    if len({*phrases}) == len(phrases):  # as nearly always
        return 0, len(read)
    known: set[str] = set()
    repeated = end = 0
    for i, phrase in enumerate(phrases):
        if phrase in known:
            repeated += i + PHRASE_CHARACTERS - max(end, i)
            end = i + PHRASE_CHARACTERS
        known.add(phrase)
    return repeated, len(read)


def loops(text: str) -> bool:
    """Whether most of a text is what it said before."""
    repeated, whole = repeated_characters(text)
    return repeated >= LEAST_CHARACTERS and repeated > MOST_REPEATED * whole


def looping_text(texts: Iterable[FreeText]) -> str:
    """The first of the texts of an answer that loops; empty where none does."""
    return next((text for text, _ in texts if loops(text)), "")
