"""Films made without pictures, and scripted scenes as the engine sees them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.engines.base import Ask, Frame, Sampling
from pipeline.engines.embedded.engine import EmbeddedEngine
from pipeline.engines.embedded.observe import Blob, Observation, Shape
from pipeline.engines.embedded.tracks import Film, film_of
from pipeline.media.base import Clip, StillsRequest
from pipeline.media.reader.frames import stills
from pipeline.media.scenes.render import render_scenes
from pipeline.media.scenes.truth import Truth
from tests.conftest import RenderOnce

Thing = tuple[str, Shape, float, float]
"""Colour, shape, and the place of the centre in heights from the top left."""
FilmMaker = Callable[[Sequence[float], Sequence[Sequence[Thing]]], Film]

LABS = {"red": (50, 70, 50), "green": (50, -60, 50), "blue": (35, 20, -70), "white": (95, 0, 0)}
ASPECT = 16 / 9
SCENES = ("scene-01", "scene-03", "scene-09", "scene-11")


@dataclass(frozen=True)
class Shown:
    """A scene as the engine sees it, and its truth."""

    frames: tuple[Frame, ...]
    truth: Truth

    @property
    def times(self) -> list[float]:
        return [frame.time_s for frame in self.frames]


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


@pytest.fixture(scope="session")
def engine() -> EmbeddedEngine:
    return EmbeddedEngine()


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory, render_once: RenderOnce) -> Mapping[str, Shown]:
    with render_once():
        folder = render_scenes(tmp_path_factory.mktemp("scenes"), SCENES).parent
    return {name: load(folder, name) for name in SCENES}


@pytest.fixture(params=SCENES)
def scene(request: pytest.FixtureRequest, shown: Mapping[str, Shown]) -> Shown:
    return shown[request.param]


@pytest.fixture
def answer(engine: EmbeddedEngine) -> Callable[..., Any]:
    """``answer(title, frames, **variables)``: what the engine says, parsed."""

    def ask(title: str, frames: Sequence[Frame] = (), **variables: Any) -> Any:
        asked = Ask("id", "", {"title": title}, tuple(frames), variables)
        ((_, (reply,)),) = engine.generate([asked], Sampling())
        assert reply.text is not None, reply
        return json.loads(reply.text)

    return ask


def load(folder: Path, name: str) -> Shown:
    pictures = stills(Clip(str(folder / "videos" / f"{name}.mp4")), StillsRequest())
    truth = (folder / "truth" / f"{name}.json").read_text(encoding="utf-8")
    frames = tuple(Frame(picture.frame_s, picture.jpeg) for picture in pictures)
    return Shown(frames, Truth.model_validate_json(truth))
