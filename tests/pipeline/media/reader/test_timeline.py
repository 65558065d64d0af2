from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.base import Clip, MediaError
from pipeline.media.reader.colour import Colour
from pipeline.media.reader.orientation import Orientation
from pipeline.media.reader.packet_index import PacketIndex
from pipeline.media.reader.timeline import clip_timeline


def index_of(
    pts: list[int], last_ticks: int = 0, time_base: Fraction = Fraction(1, 1000)
) -> PacketIndex:
    """A file that shows these frames, each of them a keyframe."""
    all_of = np.ones(len(pts), dtype=np.bool_)
    ticks = np.array(pts, dtype=np.int64)
    return PacketIndex(
        "mjpeg", time_base, (16, 16), Orientation(), Colour(), 1, ticks, all_of, all_of, last_ticks
    )


PTS = st.lists(st.integers(-5_000, 90_000), min_size=2, max_size=60, unique=True).map(sorted)


@given(PTS, st.fractions(0, 100))
def test_the_frame_on_screen_is_the_last_one_presented(pts: list[int], time_s: Fraction) -> None:
    timeline = clip_timeline(index_of(pts), Clip("x"))
    shown = timeline.on_screen(time_s)
    assert 0 <= timeline.frame_s(shown) <= time_s
    assert not any(timeline.frame_s(shown) < timeline.frame_s(p) <= time_s for p in pts)


@given(PTS, st.floats(0, 100), st.floats(0.001, 100))
def test_a_clip_starts_with_the_frame_on_screen_and_ends_on_time(
    pts: list[int], start_s: float, length_s: float
) -> None:
    whole = clip_timeline(index_of(pts), Clip("x"))
    try:
        part = clip_timeline(index_of(pts), Clip("x", start_s, start_s + length_s))
    except MediaError as error:
        assert error.reason == "clip_outside" and start_s >= whole.duration_s - 1e-5
        return
    zero_s = float(whole.frame_s(int(part.pts[0])))
    assert zero_s <= start_s + 1e-6
    assert part.pts[0] == whole.on_screen(Fraction(start_s + 1e-6))
    end_s = min(start_s + length_s, whole.duration_s)
    assert part.duration_s == pytest.approx(end_s - zero_s, abs=1e-9)
    assert part.frame_s(int(part.pts[-1])) < part.end_s


@pytest.mark.parametrize(
    ("pts", "last_ticks", "duration_s"),
    [
        ([0, 40, 80], 40, 0.12),
        ([5000, 5040, 5080], 0, 0.12),
        ([0, 40, 80], 143_165_000, 0.12),
        ([0, 40, 5040], 3000, 8.04),
        ([0], 500, 0.5),
    ],
    ids=["stated", "not stated", "stated wrongly", "a long still", "one frame"],
)
def test_how_long_the_last_frame_is_shown(
    pts: list[int], last_ticks: int, duration_s: float
) -> None:
    timeline = clip_timeline(index_of(pts, last_ticks), Clip("x"))
    assert timeline.duration_s == duration_s


def test_a_rounded_start_means_the_frame_it_was_rounded_from() -> None:
    index = index_of([i * 1001 for i in range(50)], time_base=Fraction(1, 30000))
    assert clip_timeline(index, Clip("x", 0.333666)).pts[0] == 10 * 1001
    assert clip_timeline(index, Clip("x", 0.33366)).pts[0] == 9 * 1001


@pytest.mark.parametrize(
    ("index", "clip", "reason"),
    [
        (index_of([]), Clip("x"), "no_frames"),
        (index_of([7]), Clip("x"), "no_frames"),
        (index_of([0, 40, 80]), Clip("x", 0.12), "clip_outside"),
        (index_of([0, 86_400_000]), Clip("x"), "unsupported"),
        (index_of([0, 40, 80]), Clip("x", 0.05, 0.05), "clip_outside"),
        (index_of([0, 40, 80]), Clip("x", 0.05, 0.01), "clip_outside"),
    ],
)
def test_refuses_what_shows_nothing(index: PacketIndex, clip: Clip, reason: str) -> None:
    with pytest.raises(MediaError) as raised:
        clip_timeline(index, clip)
    assert raised.value.reason == reason
