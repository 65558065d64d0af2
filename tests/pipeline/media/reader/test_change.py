from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.media.base import Clip, StillsRequest
from pipeline.media.reader.change import changed_levels, reduced
from pipeline.media.reader.frames import stills
from pipeline.media.reader.packet_index import Image
from pipeline.media.scenes.render import render
from pipeline.media.scenes.script import Actor, Move, Scene

GREY, RED, GREEN = (120, 120, 120), (200, 60, 60), (60, 131, 60)
"""The last two are equally bright."""


def picture(*dots: tuple[int, int, tuple[int, int, int]], noise: float = 0, seed: int = 0) -> Image:
    """Grey, with a dot of 10 pixels at each place."""
    made = np.full((252, 448, 3), GREY, np.float64)
    for x, y, colour in dots:
        made[y : y + 10, x : x + 10] = colour
    made += np.random.default_rng(seed).normal(0, noise, made.shape)
    return made.clip(0, 255).astype(np.uint8)


def levels(before: Image, after: Image) -> float:
    return changed_levels(reduced(before), reduced(after))


def test_noise_counts_little_and_a_dot_much() -> None:
    assert levels(picture(), picture()) == 0
    shaking = levels(picture(noise=4, seed=1), picture(noise=4, seed=2))
    assert 0 < shaking < 4
    # Wherever it is, and wherever it goes: no border of a block cuts it in two.
    for x, y in ((0, 0), (217, 121), (223, 120), (438, 242)):
        assert levels(picture(), picture((x, y, RED))) > 5 * shaking
    assert levels(picture((40, 40, RED)), picture((52, 40, RED))) > 5 * shaking
    assert levels(picture((40, 40, RED)), picture((40, 40, GREEN))) > 5 * shaking
    small = [reduced(picture(dot)[::11, ::11]) for dot in ((11, 11, RED), (11, 11, GREEN))]
    assert changed_levels(*small) > 5 * shaking, "a picture that is small already is compared as is"


def test_each_still_says_how_much_it_differs(tmp_path: Path) -> None:
    video = tmp_path / "v.mp4"
    ball = Actor("circle", 10, (60, 60), ((0, "red"),), (Move(2.1, 3.9, (300, 160)),))
    render(Scene("v", ((0.0, Fraction(20)),), 6.0, ((0.0, "grey"),), (ball,)), video)
    found = stills(Clip(str(video)), StillsRequest(frames_per_turn=2))
    assert len(found) == 12
    assert (found[0].step_levels, found[0].turn_levels, found[1].turn_levels) == (None, None, None)
    moves = [still.frame_s for still in found[2:] if (still.turn_levels or 0) > 4]
    assert moves == [2.5, 3.0, 3.5, 4.0, 4.5]
    assert [s.frame_s for s in found[1:] if (s.step_levels or 0) > 4] == moves[:-1]
    one = stills(Clip(str(video)), StillsRequest(frames_per_turn=1))
    assert [s.turn_levels for s in one] == [s.step_levels for s in one]
    assert [s.turn_levels for s in one][1:] == pytest.approx([s.turn_levels for s in found][2::2])
