"""Writes scripted scenes with a manifest: python scenes.py FOLDER --train 300 --seed 1

In a scene circles come and go, one after the other, before a plain wall; in a fifth of them nothing
comes. No two are the same video: each wall has a speck at a place of its own, too small to be
spoken of. The same seed gives the same scenes.
"""

from __future__ import annotations

import argparse
import random
from fractions import Fraction
from pathlib import Path

from pipeline.media.scenes.render import render
from pipeline.media.scenes.script import HEIGHT, WIDTH, Actor, Colour, Scene
from pipeline.records import ManifestRow

RATE = ((0.0, Fraction(4)),)
WALLS: tuple[Colour, ...] = ("grey", "white", "black")
COLOURS: tuple[Colour, ...] = ("red", "green", "blue", "yellow")
LENGTH_S = 12
QUIET_SHARE = 0.2
SPECK_PX = 5
"""Less than what the embedded engine takes for a thing."""


def scene(name: str, draw: random.Random) -> Scene:
    """A scene of one or two circles of different colours, or of none."""
    actors = []
    count = 0 if draw.random() < QUIET_SHARE else draw.randint(1, 2)
    for place, colour in enumerate(draw.sample(COLOURS, count)):
        # Each has a slot of its own, and is gone two turns before the end.
        slot_s = (LENGTH_S - 2) / count
        start_s = place * slot_s + draw.uniform(0.6, 0.25 * slot_s)
        end_s = start_s + draw.uniform(2.5, min(8.0, 0.65 * slot_s))
        actors.append(
            Actor(
                "circle",
                draw.randint(70, 90),
                (draw.uniform(100, 280), draw.uniform(95, 120)),
                ((0.0, colour),),
                visible=((round(start_s, 2), round(end_s, 2)),),
            )
        )
    where = draw.randrange(10, WIDTH - 10), draw.randrange(10, HEIGHT - 10)
    speck = Actor("square", SPECK_PX, where, ((0.0, draw.choice(COLOURS)),))
    # Behind the circles: what is drawn last hides what is drawn before.
    return Scene(name, RATE, LENGTH_S, ((0.0, draw.choice(WALLS)),), (speck, *actors))


def write(folder: Path, counts: dict[str, int], seed: int) -> None:
    """Renders so many scenes of each split, and lists them in ``manifest.jsonl``."""
    draw = random.Random(seed)
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    rows = []
    for split, count in counts.items():
        for number in range(count):
            name = f"{split}-{number:04d}"
            path = folder / "videos" / f"{name}.mp4"
            render(scene(name, draw), path)
            row = ManifestRow(
                video_id=name,
                uri=str(path.relative_to(folder)),
                source="scripted-scenes",
                licence="Apache-2.0",
                split=split,
            )
            rows.append(row.model_dump_json() + "\n")
    (folder / "manifest.jsonl").write_text("".join(rows), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--train", type=int, default=300)
    parser.add_argument("--validation", type=int, default=40)
    parser.add_argument("--test", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    counts = {"train": given.train, "validation": given.validation, "test": given.test}
    write(given.folder, counts, given.seed)
