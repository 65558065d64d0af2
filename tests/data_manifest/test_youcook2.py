from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.youcook2 import ADAPTER
from pipeline.manifest.adapters.entry import Place, Unread
from tests.data_manifest.reading import only, spans, texts, written

OFFICIAL = "annotations/youcookii_annotations_trainval.json"


def recipe(**more: Any) -> dict[str, Any]:
    return {
        "annotations": [
            {"id": 0, "segment": [25, 37], "sentence": "peel the  pears"},
            {"id": 1, "segment": [37, 50], "sentence": "slice them"},
            {"id": 2, "segment": [48, 60], "sentence": "slice them"},
        ],
        "duration": 241.64,
        "recipe_type": "212",
        "subset": "validation",
        "video_url": "https://www.youtube.com/watch?v=-aaaaaaaaaa",
    } | more


def test_a_video_and_its_steps(tmp_path: Path) -> None:
    file = {"database": {"-aaaaaaaaaa": recipe()}}
    entry = only(written(ADAPTER, tmp_path, OFFICIAL, file))
    assert (entry.name, entry.split) == ("-aaaaaaaaaa", "val")
    assert entry.platform_id == "youtube:-aaaaaaaaaa"
    assert entry.places == (
        Place("raw_videos/validation/212/-aaaaaaaaaa"),
        Place("validation/212/-aaaaaaaaaa"),
        Place("-aaaaaaaaaa"),
    )
    assert spans(entry) == [(25, 37), (37, 50), (48, 60)]
    assert texts(entry) == ["peel the  pears", "slice them", "slice them"]
    assert {one.kind for one in entry.annotations} == {"step"}
    assert entry.annotations[2].pointer == "database/-aaaaaaaaaa/annotations/2"


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_the_other_layout_has_the_same_annotations_of_the_same_video(
    tmp_path: Path, split: str
) -> None:
    record = {"duration": 9.5, "timestamps": [[1, 4], [4, 9]], "sentences": ["stir", "serve"]}
    entry = only(written(ADAPTER, tmp_path, f"yc2_{split}.json", {"v_v_aaaaaaaaa": record}))
    assert (entry.name, entry.split) == ("v_aaaaaaaaa", split)
    assert entry.platform_id == "youtube:v_aaaaaaaaa"
    assert entry.places == (Place("v_aaaaaaaaa"), Place("v_v_aaaaaaaaa"))
    assert spans(entry) == [(1, 4), (4, 9)]
    assert texts(entry) == ["stir", "serve"]


def test_a_placeholder_is_read_for_the_rules_to_judge(tmp_path: Path) -> None:
    record = {"sentences": ["None"], "timestamps": [[0, 1]], "duration": 414.34}
    entry = only(written(ADAPTER, tmp_path, "yc2_test.json", {"v_aaaaaaaaaaa": record}))
    assert (texts(entry), spans(entry)) == (["None"], [(0, 1)])


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"subset": "valid"}, "subset"),
        ({"recipe_type": 212}, "recipe_type"),
        ({"annotations": None}, "annotations"),
        ({"annotations": [{"segment": [1, "2"], "sentence": "a"}]}, "annotations.0.segment.1"),
    ],
)
def test_a_record_of_another_shape_is_named(
    tmp_path: Path, more: dict[str, Any], field: str
) -> None:
    file = {"database": {"aaaaaaaaaaa": recipe(**more)}}
    (item,) = written(ADAPTER, tmp_path, OFFICIAL, file)
    assert isinstance(item, Unread)
    assert (item.pointer, item.reason) == ("database/aaaaaaaaaaa", "malformed")
    assert item.detail.startswith(f"{field}: ")


def test_lists_of_different_lengths_are_unread(tmp_path: Path) -> None:
    file = {"v_aaaaaaaaaaa": {"timestamps": [[1, 4]], "sentences": []}}
    (item,) = written(ADAPTER, tmp_path, "yc2_val.json", file)
    assert item == Unread("v_aaaaaaaaaaa", "malformed", "1 timestamps, 0 sentences")
