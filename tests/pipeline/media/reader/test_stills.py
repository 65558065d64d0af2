from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.base import TURN_TOLERANCE_S, frame_times
from pipeline.media.reader.orientation import Orientation
from pipeline.media.reader.stills import (
    displayed_size,
    encode_jpeg,
    target_size,
    upright,
)

RATES = st.one_of(
    st.floats(0.5, 10), st.sampled_from([0.5, 1.0, 2.0, 2.5, 1 / 3, 10 / 3, 24000 / 1001, 10.0])
)
SIDES = st.integers(1, 10_000)


@given(st.floats(0.0, 2_000.0), RATES)
def test_turns_are_every_multiple_before_the_end(duration_s: float, turns_per_s: float) -> None:
    times_s = frame_times(duration_s, turns_per_s)
    assert times_s[0] == 0
    assert len(times_s) == 1 or times_s[-1] < duration_s
    following_s = len(times_s) / Fraction(turns_per_s).limit_denominator(10_000)
    assert following_s >= Fraction(duration_s) - TURN_TOLERANCE_S
    assert times_s == sorted(set(times_s))


@given(st.floats(0.0, 500.0), RATES, st.integers(1, 5))
def test_further_frames_of_turns_lie_between_them(
    duration_s: float, turns_per_s: float, frames_per_turn: int
) -> None:
    every = frame_times(duration_s, turns_per_s, frames_per_turn)
    assert every[::frames_per_turn] == frame_times(duration_s, turns_per_s)


@given(st.integers(1, 5_000), st.integers(1, 100), st.integers(1, 10), st.integers(-2, 2))
def test_rounding_of_the_end_makes_no_turn(turns: int, over: int, under: int, ulps: int) -> None:
    turns_per_s = over / under
    duration_s = float(Fraction(turns * under, over))
    for _ in range(abs(ulps)):
        duration_s = float(np.nextafter(duration_s, np.inf if ulps > 0 else 0))
    assert len(frame_times(duration_s, turns_per_s)) == turns


def test_frame_times_are_exact() -> None:
    assert frame_times(1.0, 1 / 3) == [0]
    assert frame_times(7.0, 1 / 3) == [0, 3, 6]
    assert frame_times(1.0, 2.5) == [0, Fraction(2, 5), Fraction(4, 5)]
    assert frame_times(0.1, 24000 / 1001) == [0, Fraction(1001, 24000), Fraction(1001, 12000)]


@pytest.mark.parametrize("turns_per_s", [0.0, -1.0])
def test_a_rate_is_positive(turns_per_s: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        frame_times(1.0, turns_per_s)


@given(SIDES, SIDES, SIDES)
def test_target_size_keeps_proportion_and_never_enlarges(
    width: int, height: int, longer_px: int
) -> None:
    small = target_size((width, height), longer_px)
    assert max(small) == min(longer_px, max(width, height))
    assert small[0] <= width and small[1] <= height
    scale = max(small) / max(width, height)
    sides = zip(small, (width, height), strict=True)
    assert all(abs(new - max(1.0, old * scale)) <= 0.51 for new, old in sides)


def test_displayed_size_has_square_pixels_and_is_turned() -> None:
    assert displayed_size((800, 640), Fraction(64, 45), 0) == (1138, 640)
    assert displayed_size((800, 640), Fraction(64, 45), 270) == (640, 1138)
    assert displayed_size((320, 180), None, 180) == (320, 180)
    assert displayed_size((320, 180), Fraction(0), 90) == (180, 320)


def test_a_turn_moves_the_upper_left_corner_clockwise() -> None:
    image = np.zeros((2, 3, 3), np.uint8)
    image[0, 0] = 255
    corners = {0: (0, 0), 90: (0, 1), 180: (1, 2), 270: (2, 0)}
    for rotation_deg, corner in corners.items():
        moved = upright(image, Orientation(rotation_deg))
        assert moved.shape[:2] == ((3, 2) if rotation_deg % 180 else (2, 3))
        assert moved.flags.c_contiguous and moved[corner].min() == 255


def test_jpeg_keeps_size_and_colour() -> None:
    image = np.empty((40, 60, 3), np.uint8)
    image[:] = (200, 60, 20)
    jpeg = encode_jpeg(image, 90)
    back = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert back is not None and back.shape == image.shape
    assert np.abs(back[..., ::-1].astype(int) - image).max() <= 4
    assert len(encode_jpeg(image, 20)) < len(jpeg)
