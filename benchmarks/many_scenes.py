"""Scripts of scenes, drawn by a seed, as many as a figure needs.

Each picture has the number of its scene along its lower edge, in squares of black and white. So a
teacher that knows the scripts can tell from any frame which one it is shown. The truth of a scene
is that of its script without these squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import inf
from pathlib import Path
from random import Random
from typing import get_args

import cv2
import numpy as np

from pipeline.media.scenes.render import render
from pipeline.media.scenes.script import HEIGHT, WIDTH, Actor, Colour, Move, Scene
from pipeline.media.scenes.truth import Truth
from pipeline.media.scenes.truth_of import truth_of
from pipeline.records import ManifestRow

COLOURS: Sequence[Colour] = get_args(Colour)
RATE = ((0.0, Fraction(2)),)
"""Frames a second: few, since a dialogue shows one a second."""
DIGITS = 12
MARK_PX = 16
MARK_Y = HEIGHT - MARK_PX / 2
MARKS_X = [WIDTH * (digit + 0.5) / DIGITS for digit in range(DIGITS)]
LEAST_GAP_S, MOST_GAP_S = 3.6, 4.8
"""Between two things that change: time-sensitive answers are to stand 3 s apart."""


@cache
def scene_of(number: int, seed: int) -> Scene:
    """The script of one scene, 38 to 60 s long.

    No two things of a scene have the same words in its truth, so that a caption has one span.
    """
    draw = Random(f"{seed}/{number}")
    length_s = draw.randint(38, 60)
    moments = _moments(draw, length_s)
    colours = draw.sample(COLOURS, len(COLOURS))
    start = draw.randrange(len(moments) - 1)
    steps = [*pairwise(moments)]
    moved = [steps[start]]
    if start + 3 < len(steps) and len(moments) > 8:
        moved.append(steps[start + 3])
    rest = [time_s for time_s in moments if all(time_s not in step for step in moved)]
    draw.shuffle(rest)
    enter_s, turn_s, leave_s = sorted(rest.pop() for _ in range(3))
    cuts = sorted(rest.pop() for _ in range(min(2, len(rest))))
    turns = sorted(rest.pop() for _ in range(min(2, len(rest))))
    left, right = (60.0, 90.0), (320.0, 90.0)
    ends = [right, left] if draw.random() < 0.5 else [left, right]
    return Scene(
        name=f"scene-{number:04}",
        rates=RATE,
        length_s=length_s,
        backgrounds=tuple((t, colours.pop()) for t in (0.0, *cuts)),
        actors=(
            Actor("circle", 22, (70, 45), tuple((t, colours.pop()) for t in (0.0, *turns))),
            Actor(
                *("square", 20, (310, 45)),
                ((0.0, colours.pop()), (turn_s, colours.pop())),
                visible=((enter_s, leave_s if draw.random() < 0.7 else inf),),
            ),
            Actor(
                *("triangle", 22, ends[1], ((0.0, colours.pop()),)),
                moves=tuple(Move(*step, end) for step, end in zip(moved, ends, strict=False)),
            ),
        ),
    )


def _moments(draw: Random, length_s: float) -> list[float]:
    times = [draw.uniform(LEAST_GAP_S, MOST_GAP_S)]
    while times[-1] < length_s - 2 * MOST_GAP_S:
        times.append(times[-1] + draw.uniform(LEAST_GAP_S, MOST_GAP_S))
    return [round(time_s, 1) for time_s in times]


@cache
def truth_about(number: int, seed: int) -> Truth:
    """The truth of a scene, as its script has it."""
    return truth_of(scene_of(number, seed))


def marked(scene: Scene, number: int) -> Scene:
    """The scene with its number along the lower edge."""
    marks = tuple(
        Actor("square", MARK_PX // 2, (x, MARK_Y), ((0.0, "white" if bit == "1" else "black"),))
        for x, bit in zip(MARKS_X, f"{number:0{DIGITS}b}", strict=True)
    )
    return replace(scene, actors=(*scene.actors, *marks))


def number_in(jpeg: bytes) -> int:
    """The number that a frame of any size shows.

    Raises:
        ValueError: the bytes are no image.
    """
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise ValueError("a frame is no image")
    scale = picture.shape[1] / WIDTH
    row = picture[min(picture.shape[0] - 1, int(MARK_Y * scale))]
    return int("".join("01"[int(row[int(x * scale)] > 128)] for x in MARKS_X), 2)


def render_many(folder: Path, count: int, seed: int) -> Path:
    """The manifest of so many scenes, whose videos are rendered where they are not there yet."""
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    rows: list[str] = []
    for number in range(count):
        scene = scene_of(number, seed)
        video = folder / "videos" / f"{seed}-{scene.name}.mp4"
        if not video.exists():
            half = video.with_suffix(".half")
            render(marked(scene, number), half)
            half.rename(video)
        uri, source = f"videos/{video.name}", "scripted-scenes"
        row = ManifestRow(video_id=scene.name, uri=uri, source=source, licence="Apache-2.0")
        rows.append(row.model_dump_json() + "\n")
    manifest = folder / f"manifest-{seed}-{count}.jsonl"
    manifest.write_text("".join(rows), encoding="utf-8")
    return manifest
