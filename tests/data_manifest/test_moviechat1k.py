from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.moviechat1k import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only, written


def movie(**more: Any) -> dict[str, Any]:
    return {
        "info": {"num_frame": 11520, "fps": 24, "url": "", "video_path": "ABC-1.mp4"},
        "global": [{"question": "Is it day?", "answer": "Yes."}],
        "breakpoint": [
            {"question": "Who is it?", "answer": "A man.", "time": 0},
            {"question": "Who is it?", "answer": "A woman.", "time": 359},
        ],
    } | more


def test_questions_of_the_whole_and_of_a_frame(tmp_path: Path) -> None:
    entry = only(written(ADAPTER, tmp_path, "gt/ABC-1.json", movie()))
    assert entry == Entry(
        "ABC-1.mp4",
        (Place("videos/ABC-1.mp4"), Place("ABC-1.mp4"), Place("ABC-1")),
        (
            RawAnnotation("qa", "Yes.", question="Is it day?", pointer="0/global/0"),
            RawAnnotation(
                "qa",
                "A man.",
                start_s=0.0,
                end_s=1 / 24,
                question="Who is it?",
                asked_s=0.0,
                pointer="0/breakpoint/0",
            ),
            RawAnnotation(
                "qa",
                "A woman.",
                start_s=0.0,
                end_s=15.0,
                question="Who is it?",
                asked_s=359 / 24,
                pointer="0/breakpoint/1",
            ),
        ),
        "test",
    )


def test_what_has_a_caption_is_to_train_with(tmp_path: Path) -> None:
    entry = only(written(ADAPTER, tmp_path, "1.json", movie(caption='He says "no".')))
    assert entry.split == "train"
    assert entry.annotations[0] == RawAnnotation("event", 'He says "no".', pointer="0/caption")


def test_frames_count_at_the_rate_of_their_own_video(tmp_path: Path) -> None:
    info = {"fps": 29.97, "video_path": "1.mkv"}
    entry = only(written(ADAPTER, tmp_path, "1.json", movie(info=info)))
    assert entry.annotations[2].asked_s == pytest.approx(11.978645)
    assert entry.places[-1] == Place("1")


def test_questions_without_answers_stay_without(tmp_path: Path) -> None:
    bare = [{"question": "Who is it?", "time": 3}]
    entry = only(written(ADAPTER, tmp_path, "1.json", {**movie(), "breakpoint": bare}))
    assert entry.annotations[1].text is None


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"info": {"fps": 0, "video_path": "1.mp4"}}, "bad_rate"),
        ({"breakpoint": [{"question": "Who?", "answer": "A man."}]}, "no_time"),
        ({"info": {"video_path": "1.mp4"}}, "malformed"),
        ({"breakpoint": [{"question": "Who?", "answer": "A man.", "time": "359"}]}, "malformed"),
    ],
)
def test_a_file_without_its_units_is_named(
    tmp_path: Path, more: dict[str, Any], reason: str
) -> None:
    (item,) = written(ADAPTER, tmp_path, "1.json", movie(**more))
    assert isinstance(item, Unread)
    assert item.reason == reason
