from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.shot2story import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, Unread
from tests.data_manifest.reading import only, texts, written

HEADER = "clip_id,categories,duration,youtube_id\n"


def row(clip: str, youtube: str, times: str) -> str:
    return f"""{clip},['Music'],"{times}",{youtube}\n"""


@pytest.mark.parametrize("youtube", ["aaaaaaaaaaa", "-aa_bb-cc_d", "_aaaaaaaaaa"])
def test_a_row_has_the_span_of_a_clip_in_its_video(tmp_path: Path, youtube: str) -> None:
    line = row(f"{youtube}.78", youtube, "['01:12:10.470', '01:12:23.049']")
    entry = only(written(ADAPTER, tmp_path, "20k_meta.csv", HEADER + line))
    assert entry.name == f"{youtube}.78"
    assert entry.platform_id == f"youtube:{youtube}"
    assert entry.places == (Place(f"{youtube}.78.mp4"), Place(youtube, (4330.47, 4343.049)))
    assert (entry.annotations, entry.split) == ((), "unassigned")


def test_clips_of_one_video_are_entries_of_their_own(tmp_path: Path) -> None:
    times = "['00:00:00.000', '00:00:10.001']"
    lines = row("aaaaaaaaaaa.1", "aaaaaaaaaaa", times) + row("aaaaaaaaaaa.2", "aaaaaaaaaaa", times)
    items = written(ADAPTER, tmp_path, "134k_meta.csv", HEADER + lines)
    assert [item.name for item in items if isinstance(item, Entry)] == [
        "aaaaaaaaaaa.1",
        "aaaaaaaaaaa.2",
    ]


@pytest.mark.parametrize("times", ["", "['00:00:01.000']", "[1.0, 2.0]", "nan", "__import__('os')"])
def test_a_duration_that_is_no_two_times_is_unread(tmp_path: Path, times: str) -> None:
    content = HEADER + row("aaaaaaaaaaa.1", "aaaaaaaaaaa", times)
    (item,) = written(ADAPTER, tmp_path, "20k_meta.csv", content)
    assert item == Unread("1", "malformed", f"duration: no two times: {times}")


def summary(**more: Any) -> dict[str, Any]:
    return {
        "video": "aa_aaaaaaaa.12.mp4",
        "image_id": "aa_aaaaaaaa.12.mp4",
        "id": 0,
        "whole_caption": "A woman paints a door, then a wall.",
        "video_names": ["aa_aaaaaaaa.12_0_99.mp4", "aa_aaaaaaaa.12_100_240.mp4"],
        "captions": ["a door", "a wall"],
    } | more


@pytest.mark.parametrize(
    ("file", "split", "origin"),
    [
        ("20k_train", "train", "human"),
        ("20k_val", "val", "human"),
        ("20k_test", "test", "human"),
        ("43k_human_train", "train", "human"),
        ("90k_gptv_train", "train", "model"),
    ],
)
def test_a_summary_holds_for_the_whole_clip(
    tmp_path: Path, file: str, split: str, origin: str
) -> None:
    entry = only(written(ADAPTER, tmp_path, f"annotations/{file}.json", [summary()]))
    assert (entry.name, entry.split) == ("aa_aaaaaaaa.12", split)
    assert entry.platform_id == "youtube:aa_aaaaaaaa"
    assert entry.places == (Place("aa_aaaaaaaa.12.mp4"),)
    assert texts(entry) == ["A woman paints a door, then a wall."]
    (annotation,) = entry.annotations
    assert (annotation.origin, annotation.start_s, annotation.end_s) == (origin, None, None)
    assert annotation.pointer == "0/whole_caption"


@pytest.mark.parametrize(
    ("video", "name", "platform"),
    [
        ("holiday.mp4", "holiday", ""),
        ("holiday.two.mp4", "holiday.two", ""),
        ("a.mp4.7.mp4", "a.mp4.7", "youtube:a.mp4"),
    ],
)
def test_the_number_of_a_clip_is_behind_the_last_dot(
    tmp_path: Path, video: str, name: str, platform: str
) -> None:
    entry = only(written(ADAPTER, tmp_path, "20k_val.json", [summary(video=video)]))
    assert (entry.name, entry.platform_id) == (name, platform)
    assert entry.places == (Place(f"{name}.mp4"),)


def test_what_mixes_people_and_a_model_is_not_read(tmp_path: Path) -> None:
    assert not written(ADAPTER, tmp_path, "134k_full_train.json", [summary()])
