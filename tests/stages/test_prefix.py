from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from pipeline.records import FramedSegment
from stages._asking import prefix


@pytest.mark.parametrize(("length", "most", "latest"), [(10, 64, 4), (200, 64, 4), (250, 20, 3)])
def test_looks_at_a_video_begin_with_the_same_frames(
    framed: Callable[..., list[FramedSegment]], length: int, most: int, latest: int
) -> None:
    video = framed(length)
    looks = [prefix(video, n, most, latest) for n in range(1, length + 1)]
    steps = {n: max(0, n // latest - 1) * latest for n in range(length)}
    for n, look in enumerate(looks):
        times = [s.frame_s for s in look]
        assert len(look) <= most and times == sorted(set(times))
        assert look[-1] is video[n] and look[0] is video[0]
        close = video[steps[n] : n + 1]
        assert [*look[-len(close) :]] == close, "the latest are all there"
    for earlier, later in pairwise(looks):
        both = sum(a is b for a, b in zip(earlier, later, strict=False))
        assert both >= len(earlier) - 2 * latest
    new = {s.frame_s for look in looks for s in look}
    assert new == {s.frame_s for s in video}
