"""Looks for what a negative asks for in the true state of a video.

It knows sentences of the truth and shares no code with the engine. A question is taken for its
words of meaning: it occurs where all of them are in one true sentence, so that one which is less
exact than the truth (a direction, where the motion has two) occurs, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import get_args

from pipeline.media.scenes.script import Colour, Shape
from pipeline.media.scenes.truth import GONE, Truth
from pipeline.records import Annotation

_FILLING = frozenset(("a", "an", "the", "is", "are", "in", "view", "of", "to", "it", "and"))
_SAME = {"gray": "grey", "moves": "move", "moving": "move"}
_MEANING = frozenset(
    (*get_args(Colour), *get_args(Shape), "background", "move", "up", "down", "left", "right")
)
"""The words that true sentences have. A question with others cannot be judged."""


def occurs(truth: Truth, negative: Annotation) -> bool | None:
    """Whether what is asked for is true of the video at some time; None where nobody can tell."""
    asked = _words(negative.questions[0].text)
    if not asked or not asked <= _MEANING:
        return None
    return any(asked <= _words(sentence) for sentence in _sentences(truth))


def _sentences(truth: Truth) -> Iterator[str]:
    """All that is true of a video at some time, a sentence each."""
    yield from (event.caption for event in truth.events)
    for change in truth.changes:
        if change.kind == "colour":
            yield change.text
    for track in truth.tracks:
        if track.aspect in ("scene", "attribute"):
            values = (value.value for value in track.values if value.value != GONE)
            yield from (f"{value} {track.subject}" for value in values)
        elif track.aspect == "position":
            yield track.subject


def _words(text: str) -> frozenset[str]:
    words = (_SAME.get(word, word) for word in re.findall(r"[a-z0-9]+", text.casefold()))
    return frozenset(words) - _FILLING
