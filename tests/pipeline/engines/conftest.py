"""Films made without pictures: things in known places at known times."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pipeline.engines.observe import Blob, Observation, Shape
from pipeline.engines.tracks import Film, film_of

Thing = tuple[str, Shape, float, float]
"""Colour, shape, and the place of the centre in heights from the top left."""
FilmMaker = Callable[[Sequence[float], Sequence[Sequence[Thing]]], Film]

LABS = {"red": (50, 70, 50), "green": (50, -60, 50), "blue": (35, 20, -70), "white": (95, 0, 0)}
ASPECT = 16 / 9


def blob(thing: Thing) -> Blob:
    colour, shape, x, y = thing
    cx = x / ASPECT
    return Blob(colour, LABS[colour], shape, cx, y, 0.02, cx - 0.05, y - 0.1, cx + 0.05, y + 0.1)


def observation(things: Sequence[Thing], background: str = "white") -> Observation:
    return Observation(
        background=background,
        background_lab=LABS[background],
        texture=0.5,
        brightness=0.5,
        aspect=ASPECT,
        blobs=tuple(blob(thing) for thing in things),
        shares=(0.0,) * 12,
        thumb=bytes(32 * 18),
    )


@pytest.fixture
def film() -> FilmMaker:
    """``film(times, things_of_each_frame)``: a film on a white background."""
    return lambda times, frames: film_of(times, [observation(things) for things in frames])
