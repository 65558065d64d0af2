"""Vectors of pictures and of texts, by the colours and the things that they show or name.

Both stand in one space, so that a text is near a picture that shows what it names. It has a
dimension for each colour, for each plain shape, and for each pair of the two. Pictures alone have
those of a coarse map of light and dark, so that two of the same things are nearer where they stand
alike.
"""

from __future__ import annotations

import re
from itertools import product

import numpy as np

from pipeline.engines.embedded.colour import NAMES
from pipeline.engines.embedded.observe import THUMB, Observation

SHAPES = ("circle", "square", "triangle")
PAIRS = tuple(product(NAMES, SHAPES))
MAP = (4, 3)
"""Fields across and down."""
AXES = 1 + len(NAMES) + len(SHAPES) + len(PAIRS) + MAP[0] * MAP[1]
SYNONYMS = {"gray": "grey", "ball": "circle", "disc": "circle", "dot": "circle", "box": "square"}
_OF_COLOUR = 1
_OF_SHAPE = _OF_COLOUR + len(NAMES)
_OF_PAIR = _OF_SHAPE + len(SHAPES)
_OF_MAP = _OF_PAIR + len(PAIRS)
COMMON = 0.2
"""What all have in common, so that none is 0; a thing in view counts 1."""
LIGHT = 0.25
"""What the map counts."""


def vector_of_picture(seen: Observation) -> list[float]:
    """The background, the shares of the colours, and the things in view."""
    values = np.zeros(AXES)
    values[0] = COMMON
    values[_OF_COLOUR + NAMES.index(seen.background)] = 1
    for blob in seen.blobs:
        _name(values, blob.colour, blob.shape)
    across, down = THUMB
    grey = np.frombuffer(seen.thumb, np.uint8).reshape(down, across) / 255
    fields = grey.reshape(MAP[1], down // MAP[1], MAP[0], across // MAP[0]).mean((1, 3))
    values[_OF_MAP:] = LIGHT * (fields - fields.mean()).ravel()
    return [float(value) for value in values]


def vector_of_text(text: str) -> list[float]:
    """The colours and shapes that it names; a colour before a shape is the colour of that."""
    values = np.zeros(AXES)
    values[0] = COMMON
    colour = ""
    for word in re.findall(r"[a-z]+", text.casefold()):
        plain = SYNONYMS.get(word, word)
        if plain in NAMES:
            colour = plain
            _name(values, colour, "")
        elif plain in SHAPES:
            _name(values, colour, plain)
            colour = ""
    return [float(value) for value in values]


def _name(values: np.ndarray[tuple[int], np.dtype[np.float64]], colour: str, shape: str) -> None:
    if colour:
        values[_OF_COLOUR + NAMES.index(colour)] = 1
    if shape in SHAPES:
        values[_OF_SHAPE + SHAPES.index(shape)] = 1
        if colour:
            values[_OF_PAIR + PAIRS.index((colour, shape))] = 1
