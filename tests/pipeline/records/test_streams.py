from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import SourceAnnotation, StreamClip, Video
from pipeline.records.streams import (
    clip_at,
    clip_spans,
    clip_starts,
    joined,
    moved_on,
    stream_of,
)

SECONDS = st.floats(0.01, 500.0)


def clip(duration_s: float) -> StreamClip:
    return StreamClip(uri="a", video_id="a", duration_s=duration_s, sha256="")


CLIPS = st.lists(SECONDS.map(clip), min_size=1, max_size=8)


@given(CLIPS, st.floats(0.0, 1.0))
def test_each_second_of_a_stream_is_of_the_clip_that_is_on(
    clips: list[StreamClip], share: float
) -> None:
    starts = clip_starts(clips)
    time_s = share * starts[-1]
    place, second_s = clip_at(clips, time_s)
    assert starts[place] <= time_s
    assert place == len(clips) - 1 or time_s < starts[place + 1]
    assert starts[place] + second_s == pytest.approx(time_s)
    assert clip_at(clips, starts[-1] + 1)[0] == len(clips) - 1


@given(CLIPS, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_span_is_one_of_each_clip_that_it_touches(
    clips: list[StreamClip], one: float, other: float
) -> None:
    starts = clip_starts(clips)
    start_s, end_s = sorted([one * starts[-1], other * starts[-1]])
    spans = clip_spans(clips, start_s, end_s)
    assert sum(span.end_s - span.start_s for span in spans) == pytest.approx(end_s - start_s)
    for span in spans:
        assert 0 <= span.start_s <= span.end_s <= clips[span.clip].duration_s + 1e-9
    assert [after.clip - before.clip for before, after in pairwise(spans)] == [1] * (len(spans) - 1)
    assert all(span.start_s == 0 for span in spans[1:])


def test_a_video_of_one_file_is_its_own_only_clip() -> None:
    assert clip_at((), 7.5) == (0, 7.5)
    assert clip_spans((), 1.0, 4.0) == [(0, 1.0, 4.0)]


def video(**fields: Any) -> Video:
    about = {"width": 64, "height": 48, "rotation_deg": 0, "codec": "h264", "frame_rate": 25}
    return Video.model_validate({"video_id": "v", "duration_s": 3, "sha256": "0"} | about | fields)


def test_a_stream_says_of_its_clips_what_they_have_in_common() -> None:
    one = video(
        video_id="a", uri="a.mp4", duration_s=2.5, clip_start_s=4, licence="CC0", source="s"
    )
    other = video(video_id="b", uri="b.mp4", duration_s=3, licence="CC0", source="t", width=128)
    made = stream_of("ab", [one, other])
    assert (made.uri, made.sha256, made.clip_start_s, made.clip_end_s) == ("", "", 0.0, None)
    assert (made.duration_s, made.source, made.licence) == (5.5, "s + t", "CC0")
    assert (made.width, made.codec, made.frame_rate) == (128, one.codec, one.frame_rate)
    assert [(c.video_id, c.uri, c.clip_start_s, c.source) for c in made.clips] == [
        ("a", "a.mp4", 4, "s"),
        ("b", "b.mp4", 0, "t"),
    ]
    longer = stream_of("aba", [made, one])
    assert [c.video_id for c in longer.clips] == ["ab", "ab", "a"]
    with pytest.raises(ValueError, match="splits"):
        stream_of("x", [one, video(split="test")])
    with pytest.raises(ValueError, match="splits"):
        stream_of("x", [])


def test_a_clip_that_states_no_licence_is_not_hidden_by_another() -> None:
    assert joined(["", ""]) == ""
    assert joined(["CC0", ""]) == joined(["", "CC0"]) == "CC0 + not stated"


def test_annotations_of_a_clip_move_on_in_the_stream() -> None:
    said = SourceAnnotation(kind="event", text="x", start_s=1.5, end_s=2)
    moved = moved_on(said, 10)
    assert (moved.start_s, moved.end_s, moved.asked_s) == (11.5, 12, None)
