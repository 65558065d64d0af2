from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.engines.embedded.motion import Velocity, direction_words, is_moving, motions_of
from pipeline.engines.embedded.tracks import Film
from tests.conftest import examples

FilmMaker = Callable[[Sequence[float], Sequence[Sequence[Any]]], Film]
LENGTH = 16


def way(start_s: float, end_s: float, speed: float) -> list[list[tuple[str, str, float, float]]]:
    """A red circle in frames a second apart: it moves to the right during one span."""
    moved = [max(0.0, min(end_s, t) - start_s) for t in range(LENGTH)]
    return [[("red", "circle", 0.2 + speed * m, 0.5)] for m in moved]


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0.5, 6), st.floats(2.2, 8), st.floats(0.03, 0.2))
def test_a_motion_is_timed_more_finely_than_the_frames(
    film: FilmMaker, start_s: float, length_s: float, speed: float
) -> None:
    end_s = start_s + length_s
    made = film(range(LENGTH), way(start_s, end_s, speed))
    (motion,) = motions_of(made, LENGTH)
    assert motion.direction == "right"
    # A step that is still to the eye may hide the very start or end.
    hidden_s = 0.008 / speed
    if length_s >= 3:
        assert motion.start_s == pytest.approx(start_s, abs=0.15 + hidden_s)
        assert motion.end_s == pytest.approx(end_s, abs=0.15 + hidden_s)
    overlap = min(motion.end_s, end_s) - max(motion.start_s, start_s)
    assert overlap / (max(motion.end_s, end_s) - min(motion.start_s, start_s)) > 0.7


@settings(max_examples=examples(100), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(1, 6), st.floats(2.2, 8), st.floats(0.05, 0.2))
def test_moving_depends_on_the_past_alone(
    film: FilmMaker, start_s: float, length_s: float, speed: float
) -> None:
    end_s = start_s + length_s
    (track,) = film(range(LENGTH), way(start_s, end_s, speed)).tracks
    assert is_moving(track, 0) is None
    for now in range(1, LENGTH):
        clear = min(abs(now - start_s), abs(now - end_s)) > 0.2
        if clear:
            assert is_moving(track, now) is (start_s < now < end_s)


def test_a_turn_parts_two_motions(film: FilmMaker) -> None:
    places = [(0.2 + 0.1 * min(t, 4.5), 0.2 + 0.1 * max(0, min(t, 8) - 4.5)) for t in range(10)]
    made = film(range(10), [[("red", "circle", x, y)] for x, y in places])
    first, second = motions_of(made, 10)
    assert (first.direction, second.direction) == ("right", "down")
    assert first.start_s == 0.0
    assert second.end_s == pytest.approx(8, abs=0.1)
    assert first.end_s == second.start_s == pytest.approx(4.5, abs=0.1)


def test_what_stands_still_has_no_motion(film: FilmMaker) -> None:
    frames = [[("red", "circle", 0.5 + 0.001 * (t % 2), 0.5)] for t in range(8)]
    assert motions_of(film(range(8), frames), 8) == []


@pytest.mark.parametrize(
    ("velocity", "words"),
    [
        ((1, 0), "right"),
        ((-1, 0.1), "left"),
        ((0, 1), "down"),
        ((0, -1), "up"),
        ((-1, 1), "down and left"),
        ((1, -0.5), "up and right"),
    ],
)
def test_direction_words(velocity: tuple[float, float], words: str) -> None:
    assert direction_words(Velocity(*velocity)) == words
