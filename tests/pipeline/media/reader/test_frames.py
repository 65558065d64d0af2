from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.media.base import Clip, ReaderName, Still, StillsRequest, frame_times
from pipeline.media.reader.frames import stills
from tests.pipeline.media.barcode_clips import RECIPES, number_of


def number_in(still: Still) -> int:
    image = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return number_of(image.astype(np.uint8))


@pytest.mark.parametrize("turns_per_s", [0.5, 1.0, 2.0, 2.5, 10.0])
@pytest.mark.parametrize(
    "name", ["h264_uneven.mp4", "h264_ntsc.mp4", "h264_late.mp4", "hevc_open.mp4", "vp9.webm"]
)
def test_a_turn_shows_the_frame_on_screen_when_it_stands(
    name: str, turns_per_s: float, clip_file: Callable[[str], Path]
) -> None:
    truth = RECIPES[name].truth
    clip = Clip(str(clip_file(name)))
    seen = stills(clip, StillsRequest(turns_per_s, longer_px=200, jpeg_quality=95))
    duration_s = float(2 * truth[-1][0] - truth[-2][0])
    turns = frame_times(duration_s, turns_per_s)
    assert abs(len(seen) - len(turns)) <= 1
    shown_s = [time_s for time_s, _ in truth]
    for time_s, still in zip(turns, seen, strict=False):
        at = bisect_right(shown_s, time_s) - 1
        assert number_in(still) == truth[at][1]
        assert 0 <= still.frame_s <= float(time_s)
        assert still.frame_s == pytest.approx(float(shown_s[at]), abs=1e-9)


@pytest.mark.parametrize(
    ("start_s", "end_s", "numbers"),
    [
        (0.0, None, [0, 15, 30, 45, 60, 75]),
        (1.0, 2.0, [30, 45]),
        (1.02, 2.0, [30, 45]),
        (1.04, 2.001, [31, 46]),
        (1.0, 2.01, [30, 45, 60]),
        (2.99, None, [89]),
        (0.5, 99.0, [15, 30, 45, 60, 75]),
        (0.0, 0.001, [0]),
    ],
)
def test_a_clip_counts_from_the_frame_on_screen_at_its_start(
    start_s: float, end_s: float | None, numbers: list[int], clip_file: Callable[[str], Path]
) -> None:
    clip = Clip(str(clip_file("h264.mp4")), start_s, end_s)
    seen = stills(clip, StillsRequest(turns_per_s=2.0))
    assert [number_in(still) for still in seen] == numbers
    assert [still.frame_s for still in seen] == [i / 2 for i in range(len(numbers))]


def test_a_frame_shown_for_several_turns_is_encoded_once(
    clip_file: Callable[[str], Path],
) -> None:
    clip = Clip(str(clip_file("h264_uneven.mp4")), 1.3, 2.7)
    seen = stills(clip, StillsRequest(turns_per_s=10.0))
    assert len({still.jpeg for still in seen}) == len({still.frame_s for still in seen}) < 5
    assert all(a.jpeg is b.jpeg for a, b in pairwise(seen) if a.frame_s == b.frame_s)


def test_pictures_are_scaled_turned_and_never_enlarged(clip_file: Callable[[str], Path]) -> None:
    for name, longer_px, shape in [
        ("h264.mp4", 448, (180, 320)),
        ("h264.mp4", 160, (90, 160)),
        ("h264_90.mp4", 160, (160, 90)),
        ("h264_180.mp4", 448, (180, 320)),
    ]:
        still = stills(Clip(str(clip_file(name))), StillsRequest(1.0, longer_px))[0]
        image = cv2.imdecode(np.frombuffer(still.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None and image.shape[:2] == shape


@pytest.mark.parametrize("name", ["h264.mp4", "vp9.webm"])
def test_readers_show_the_same_frames(name: str, clip_file: Callable[[str], Path]) -> None:
    pytest.importorskip("decord")
    readers: tuple[ReaderName, ...] = ("auto", "pyav", "decord")
    clip = Clip(str(clip_file(name)))
    seen = [stills(clip, StillsRequest(2.0, reader=reader)) for reader in readers]
    assert [s.jpeg for s in seen[0]] == [s.jpeg for s in seen[1]]
    for each in seen:
        assert [(s.frame_s, number_in(s)) for s in each] == [(i / 2, i * 15) for i in range(6)]
