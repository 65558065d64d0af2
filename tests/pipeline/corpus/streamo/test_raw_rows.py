"""Raw rows apart from times: ids, names, durations, and rows of which nothing can be made."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.corpus.streamo.raw import read_raw
from pipeline.dialogue.tiling import DialogueError
from tests.pipeline.corpus.streamo.test_raw import read, response


def test_made_ids_avoid_given_ones() -> None:
    sample = read(response=[response(time=1), response(time=2, rid="r0"), response(time=3)])
    assert [r.rid for r in sample.annotation.responses] == ["r0'", "r0", "r2"]


@pytest.mark.parametrize(
    ("row", "name", "path"),
    [
        ({"video_name": "n", "video_path": "a/v.mp4"}, "n", "a/v.mp4"),
        ({"video_name": "", "video_path": "a/v.mp4"}, "v.mp4", "a/v.mp4"),
        ({"video_name": 5, "videos": ["/a/v.mp4", "w"]}, "v.mp4", "/a/v.mp4"),
        ({"videos": "v.mp4"}, "v.mp4", "v.mp4"),
        ({"video_name": "n"}, "n", ""),
    ],
)
def test_names(row: dict[str, Any], name: str, path: str) -> None:
    sample = read_raw(row, number=0, default_question="Q")
    assert (sample.video_name, sample.annotation.video_id) == (name, name)
    assert (sample.video_path, sample.task, sample.source) == (path, "unknown", "")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (None, "bad_row"),
        ([{"video_name": "v"}], "bad_row"),
        ("v", "bad_row"),
        ({}, "no_video_name"),
        ({"video_name": "\ud83d", "video_path": "/", "videos": [{}]}, "no_video_name"),
    ],
)
def test_nothing_can_be_made_of_it(row: Any, reason: str) -> None:
    with pytest.raises(DialogueError) as raised:
        read_raw(row, number=0, default_question="Q")
    assert raised.value.reason == reason


@pytest.mark.parametrize(
    ("given_s", "expected"),
    [(5, 5.0), (2.5, 2.5), (0, None), (-1, None), ("5", None), (True, None), (float("nan"), None)],
)
def test_duration(given_s: Any, expected: float | None) -> None:
    assert read(duration=given_s).duration_s == expected
