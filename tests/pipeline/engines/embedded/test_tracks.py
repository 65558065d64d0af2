from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipeline.engines.embedded.tracks import Film

FilmMaker = Callable[[Sequence[float], Sequence[Sequence[Any]]], Film]
RED = ("red", "circle", 0.3, 0.5)
GREEN = ("green", "circle", 0.3, 0.5)
SQUARE = ("blue", "square", 1.2, 0.5)


def test_a_thing_keeps_its_track_when_it_turns_another_colour(film: FilmMaker) -> None:
    (track,) = film((0, 1, 2, 3), [[RED], [RED], [GREEN], [GREEN]]).tracks
    assert [s.colour for s in track.sightings] == ["red", "red", "green", "green"]


def test_a_thing_keeps_its_track_when_it_moves(film: FilmMaker) -> None:
    frames = [[("red", "circle", 0.2 + 0.4 * n, 0.5), SQUARE] for n in range(4)]
    made = film((0, 1, 2, 3), frames)
    assert sorted((t.shape, t.first, t.last) for t in made.tracks) == [
        ("circle", 0, 3),
        ("square", 0, 3),
    ]


def test_like_things_that_pass_each_other_keep_their_tracks(film: FilmMaker) -> None:
    frames = [
        [("red", "circle", 0.2 + 0.3 * n, 0.4), ("red", "circle", 1.6 - 0.3 * n, 0.6)]
        for n in range(5)
    ]
    made = film((0, 1, 2, 3, 4), frames)
    assert len(made.tracks) == 2
    assert {round(t.sightings[-1].y, 2) - round(t.sightings[0].y, 2) for t in made.tracks} == {0}


def test_another_shape_in_the_same_place_is_another_thing(film: FilmMaker) -> None:
    made = film((0, 1), [[RED], [("red", "square", 0.3, 0.5)]])
    assert [(t.shape, t.first, t.last) for t in made.tracks] == [("circle", 0, 0), ("square", 1, 1)]


def test_a_shape_that_is_partly_hidden_for_a_while_keeps_its_name(film: FilmMaker) -> None:
    (track,) = film((0, 1, 2), [[RED], [("red", "region", 0.3, 0.5)], [RED]]).tracks
    assert track.shape == "circle"


@pytest.mark.parametrize(
    ("in_view", "spans"),
    [
        ("0111", [(0.5, 4.0)]),
        ("1100", [(0.0, 1.5)]),
        ("0101", [(0.5, 1.5), (2.5, 4.0)]),
        ("1111", [(0.0, 4.0)]),
        ("0000", []),
    ],
)
def test_spans_begin_and_end_midway_between_frames(
    film: FilmMaker, in_view: str, spans: list[tuple[float, float]]
) -> None:
    made = film((0, 1, 2, 3), [[RED] if digit == "1" else [] for digit in in_view])
    assert [made.span_of(track, 4.0) for track in made.tracks] == spans
    assert made.stretches(lambda i: in_view[i] == "1", 4.0) == spans


def test_no_frames(film: FilmMaker) -> None:
    made = film((), [])
    assert (made.tracks, made.cuts, made.plain) == ((), (), False)
