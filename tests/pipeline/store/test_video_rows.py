"""The rows of a video are its own, however many are parsed at once and in whatever order."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Reject
from pipeline.store.location import Location
from pipeline.store.parts import write_part
from pipeline.store.video_rows import read_videos


@given(
    counts=st.lists(st.sampled_from([1, 2, 100, 255, 256, 257, 600]), min_size=1, max_size=6),
    again=st.lists(st.integers(0, 5), max_size=6),
)
def test_each_video_has_its_rows(counts: Sequence[int], again: Sequence[int]) -> None:
    rows = {
        f"v{video}": [Reject(video_id=f"v{video}", reason=f"r{i}") for i in range(count)]
        for video, count in enumerate(counts)
    }
    with tempfile.TemporaryDirectory() as folder:
        every = [row for of_one in rows.values() for row in of_one]
        slot = Location.of(Path(folder)) / "part-00000-0123456789ab"
        part = write_part(slot, Reject, every, [], {})
        videos = [*read_videos([Reject], {Reject: [part]})]
        assert [video.video_id for video in videos] == [*rows]
        for video in (*videos, *(videos[number % len(videos)] for number in again)):
            assert video[Reject] == rows[video.video_id]
