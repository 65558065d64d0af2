from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_manifest.vitt import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, Unread
from tests.data_manifest.reading import only, spans, texts, written

FILE = "ViTT-annotations.json"


def tags(name: str, *starts_and_tags: tuple[float, str | None]) -> str:
    listed = [{"timestamp": start, "tag": tag} for start, tag in starts_and_tags]
    return json.dumps({"id": name, "annotations": listed}) + "\n"


def test_tags_have_a_start_in_milliseconds_and_no_end(tmp_path: Path) -> None:
    line = tags("aB3d", (260, "Opening"), (23990, ""), (16000, None))
    entry = only(written(ADAPTER, tmp_path, FILE, line))
    assert (entry.name, entry.platform_id) == ("aB3d", "yt8m:aB3d")
    assert entry.places == (Place("aB3d"),)
    assert spans(entry) == [(0.26, None), (23.99, None), (16.0, None)]
    assert texts(entry) == ["Opening", "", None]
    assert entry.annotations[1].pointer == "0/annotations/1"


def test_of_several_sets_of_a_video_the_first_with_tags_is_read(tmp_path: Path) -> None:
    lines = [tags("aaaa"), tags("aaaa", (0, "a")), tags("bbbb", (0, "b")), tags("aaaa", (0, "c"))]
    items = written(ADAPTER, tmp_path, FILE, "".join(lines))
    assert [texts(item) if isinstance(item, Entry) else item for item in items] == [
        [],
        ["a"],
        ["b"],
        Unread("3", "other_set", "tags of aaaa were read already"),
    ]


def test_splits_come_from_the_lists_beside_the_file(tmp_path: Path) -> None:
    for split, name in (("train", "aaaa"), ("dev", "bbbb"), ("test", "-ccc")):
        (tmp_path / f"{split}_id.txt").write_text(f"{name}\n", encoding="utf-8")
    lines = [tags(name, (0, "a")) for name in ("aaaa", "bbbb", "-ccc", "dddd")]
    items = written(ADAPTER, tmp_path, FILE, "".join(lines))
    splits = [item.split for item in items if isinstance(item, Entry)]
    assert splits == ["train", "val", "test", "unassigned"]


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({"annotations": []}, "id"),
        ({"id": ["aaaa"], "annotations": []}, "id"),
        ({"id": "aaaa"}, "annotations"),
        ({"id": "aaaa", "annotations": [{"tag": "a"}]}, "annotations.0.timestamp"),
        (
            {"id": "aaaa", "annotations": [{"timestamp": "1", "tag": "a"}]},
            "annotations.0.timestamp",
        ),
    ],
)
def test_a_record_of_another_shape_is_named(
    tmp_path: Path, record: dict[str, Any], field: str
) -> None:
    (item,) = written(ADAPTER, tmp_path, FILE, json.dumps(record))
    assert isinstance(item, Unread)
    assert item.reason == "malformed"
    assert item.detail.startswith(f"{field}: ")
