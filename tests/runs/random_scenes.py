"""Many short scenes whose scripts are drawn: some of them with nothing to tell, some with much."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import inf
from pathlib import Path
from random import Random

from pipeline.media.scenes.render import render
from pipeline.media.scenes.script import Actor, Colour, Move, Scene, Shape
from pipeline.media.scenes.truth_of import source_annotations_of
from pipeline.records import ManifestRow

RATE = Fraction(6)
APART_S = 3.2
"""Between the events of a scene, so that each is one of its own."""
INKS: tuple[Colour, ...] = ("red", "yellow", "green", "blue", "black")
GROUNDS: tuple[Colour, ...] = ("white", "grey", "cyan")
SHAPES: tuple[Shape, ...] = ("circle", "square", "triangle")
PLACES = ((70.0, 60.0), (310.0, 60.0), (190.0, 160.0))


def random_scene(name: str, random: Random) -> Scene:
    """Up to three shapes, to each of which at most one thing happens."""
    many = random.choice([1, 2, 2, 3])
    happens = random.sample(["nothing", "colour", "comes", "goes", "moves"], many)
    times = [2.3 + APART_S * i + random.random() for i in range(many)]
    inks = random.sample(INKS, 5)
    actors = [
        _actor(shape, place, what, round(at_s, 1), inks[i : i + 2])
        for i, (shape, place, what, at_s) in enumerate(
            zip(random.sample(SHAPES, many), PLACES, happens, times, strict=False)
        )
    ]
    ground = random.choice(GROUNDS)
    length_s = times[-1] + APART_S
    return Scene(name, ((0.0, RATE),), round(length_s, 1), ((0, ground),), tuple(actors))


def _actor(
    shape: Shape, place: tuple[float, float], what: str, at_s: float, inks: list[Colour]
) -> Actor:
    colours = ((0.0, inks[0]), (at_s, inks[1])) if what == "colour" else ((0.0, inks[0]),)
    visible = {"comes": (at_s, inf), "goes": (0.0, at_s)}.get(what, (0.0, inf))
    moves = (Move(at_s, at_s + 2, (place[0], 220 - place[1])),) if what == "moves" else ()
    return Actor(shape, 26, place, colours, moves, (visible,))


def random_manifest(
    folder: Path, scenes: int, seed: int, rendered: Callable[..., None] = render
) -> Path:
    """A manifest of so many drawn scenes, in the order of their draw; every fifth has none of the
    questions that its dataset would."""
    random = Random(seed)
    names = [f"{number:04}" for number in range(scenes)]
    random.shuffle(names)
    lines = []
    (folder / "videos").mkdir(parents=True)
    for number, name in enumerate(names):
        scene = random_scene(name, random)
        rendered(scene, folder / "videos" / f"{name}.mp4")
        row = ManifestRow(
            video_id=name,
            uri=f"videos/{name}.mp4",
            source="drawn",
            licence="Apache-2.0",
            annotations=source_annotations_of(scene, number) if random.random() < 0.8 else [],
        )
        lines.append(row.model_dump_json() + "\n")
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(lines), encoding="utf-8")
    return manifest
