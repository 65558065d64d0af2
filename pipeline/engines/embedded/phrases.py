"""Sentences: what is said of things seen, and what the words of a caption ask to look for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipeline.engines.embedded.colour import NAMES

SHAPES = ("circle", "square", "triangle")
PLACES = ("left", "middle", "right")
DIRECTIONS = ("up", "down", "left", "right")
Kind = Literal["in view", "moves", "background", "mostly", "something moves"]


@dataclass(frozen=True)
class Claim:
    """What a caption says, as far as it is understood. Empty words stand for any."""

    kind: Kind
    colour: str = ""
    shape: str = ""
    direction: str = ""

    @property
    def sentence(self) -> str:
        """The claim in words."""
        thing = " ".join(word for word in (self.colour, self.shape) if word)
        return {
            "in view": f"{a(thing)} is in view.",
            "moves": f"{a(thing)} moves {self.direction}.",
            "background": f"The background is {self.colour}.",
            "mostly": f"The picture is mostly {self.colour}.",
            "something moves": "Something moves in the picture.",
        }[self.kind]


def a(thing: str) -> str:
    """``A red circle``, ``An orange square``."""
    return f"{'An' if thing[:1] in tuple('aeiou') else 'A'} {thing}"


def place_words(cx: float) -> str:
    """``on the left``, ``in the middle`` or ``on the right``."""
    place = place_of(cx)
    return "in the middle" if place == "middle" else f"on the {place}"


def place_of(cx: float) -> str:
    """The third of the picture that a share of its width lies in."""
    return PLACES[min(2, int(cx * 3))]


def claim_of(caption: str) -> Claim | None:
    """What a caption says, or None where it is not understood."""
    words = re.findall(
        r"[a-z]+", caption.lower().replace("gray", "grey").replace("color", "colour")
    )
    colour = next((w for w in words if w in NAMES), "")
    shape = next((s for w in words for s in SHAPES if w in (s, f"{s}s")), "")
    moves = any(re.fullmatch(r"mov(e|es|ed|ing)", w) for w in words)
    # The colour and the shape do not say where to; the words after the verb do.
    direction = " and ".join(d for d in DIRECTIONS if d in words) if moves else ""
    if shape and moves:
        return Claim("moves", colour, shape, direction)
    if shape:
        return Claim("in view", colour, shape)
    if "background" in words and colour:
        return Claim("background", colour)
    if "mostly" in words and colour:
        return Claim("mostly", colour)
    if moves and "something" in words:
        return Claim("something moves")
    return None
