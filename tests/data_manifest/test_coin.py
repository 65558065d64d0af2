from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.coin import ADAPTER
from pipeline.manifest.adapters.entry import Place, Unread
from tests.data_manifest.reading import only, spans, texts, written


def video(**more: Any) -> dict[str, Any]:
    return {
        "recipe_type": 94,
        "annotation": [
            {"id": "386", "segment": [172.0, 179.5], "label": "pour"},
            {"id": "387", "segment": [180, 182.0], "label": "freeze it"},
            {"id": "386", "segment": [185.5, 190.0], "label": "pour"},
        ],
        "video_url": "https://www.youtube.com/embed/-aaaaaaaaaa",
        "start": 0,
        "end": 199.58,
        "duration": 217.2,
        "class": "MakeIce",
        "subset": "training",
    } | more


def test_a_video_and_its_steps(tmp_path: Path) -> None:
    file = {"database": {"-aaaaaaaaaa": video()}}
    entry = only(written(ADAPTER, tmp_path, "COIN.json", file))
    assert (entry.name, entry.split) == ("-aaaaaaaaaa", "train")
    assert entry.platform_id == "youtube:-aaaaaaaaaa"
    assert entry.places == (Place("94/-aaaaaaaaaa"), Place("-aaaaaaaaaa"))
    assert spans(entry) == [(172, 179.5), (180, 182), (185.5, 190)]
    assert texts(entry) == ["pour", "freeze it", "pour"]
    assert {one.kind for one in entry.annotations} == {"step"}
    assert entry.annotations[1].pointer == "database/-aaaaaaaaaa/annotation/1"


def test_the_held_out_split_is_testing(tmp_path: Path) -> None:
    file = {"database": {"aaaaaaaaaaa": video(subset="testing", start=3.25)}}
    assert only(written(ADAPTER, tmp_path, "COIN.json", file)).split == "test"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"subset": "train"}, "subset"),
        ({"recipe_type": "94"}, "recipe_type"),
        ({"annotation": {}}, "annotation"),
        ({"annotation": [{"segment": [1, None], "label": "a"}]}, "annotation.0.segment.1"),
        ({"annotation": [{"label": "a"}]}, "annotation.0.segment"),
    ],
)
def test_a_record_of_another_shape_is_named(
    tmp_path: Path, more: dict[str, Any], field: str
) -> None:
    file = {"database": {"aaaaaaaaaaa": video(**more), "bbbbbbbbbbb": video()}}
    first, second = written(ADAPTER, tmp_path, "COIN.json", file)
    assert isinstance(first, Unread)
    assert (first.pointer, first.reason) == ("database/aaaaaaaaaaa", "malformed")
    assert first.detail.startswith(f"{field}: ")
    assert not isinstance(second, Unread)


def test_steps_under_another_key_are_missed_by_name(tmp_path: Path) -> None:
    record = video()
    record["annotations"] = record.pop("annotation")
    (item,) = written(ADAPTER, tmp_path, "COIN.json", {"database": {"aaaaaaaaaaa": record}})
    assert item == Unread("database/aaaaaaaaaaa", "malformed", "annotation: Field required")


def test_copies_that_moved_videos_between_splits_are_not_read(tmp_path: Path) -> None:
    moved = [{"aaaaaaaaaaa": video(subset="testing")}]
    assert not written(ADAPTER, tmp_path, "coin_test_30.json", moved)
