from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_manifest.qvhighlights import ADAPTER
from pipeline.manifest.adapters.entry import Entry, Place, Unread
from tests.data_manifest.reading import only, spans, texts, written

TRAIN = "highlight_train_release.jsonl"


def query(vid: str = "aaaaaaaaaaa_60.0_210.0", **more: Any) -> dict[str, Any]:
    return {
        "qid": 7,
        "query": "A red kite in the wind",
        "duration": 150,
        "vid": vid,
        "relevant_clip_ids": [5, 6],
        "saliency_scores": [[1, 2, 3], [4, 4, 4]],
        "relevant_windows": [[10, 14]],
    } | more


def test_each_window_of_a_query_is_an_event_with_its_words(tmp_path: Path) -> None:
    record = query(relevant_windows=[[10, 14], [20, 22], [148, 150]])
    entry = only(written(ADAPTER, tmp_path, f"data/{TRAIN}", record))
    assert spans(entry) == [(10, 14), (20, 22), (148, 150)]
    assert texts(entry) == ["A red kite in the wind"] * 3
    assert [one.pointer for one in entry.annotations] == [
        f"0/relevant_windows/{k}" for k in range(3)
    ]


@pytest.mark.parametrize("youtube", ["aaaaaaaaaaa", "-aaaaaaaaaa", "_aa_bb_ccc_", "a_1.0_2.0_b"])
def test_a_clip_is_found_by_its_name_or_in_its_source(tmp_path: Path, youtube: str) -> None:
    name = f"{youtube}_360.0_510.0"
    entry = only(written(ADAPTER, tmp_path, TRAIN, query(name)))
    assert entry.name == name
    assert entry.platform_id == f"youtube:{youtube}"
    assert entry.places == (Place(f"{name}.mp4"), Place(youtube, (360.0, 510.0)))


def test_a_release_without_labels_tells_nothing(tmp_path: Path) -> None:
    bare = {"qid": 1, "query": "a", "duration": 150, "vid": "aaaaaaaaaaa_0.0_150.0"}
    entry = only(written(ADAPTER, tmp_path, "highlight_test_release.jsonl", bare))
    assert (entry.annotations, entry.split) == ((), "test")


def test_labels_that_are_missing_where_they_belong_are_named(tmp_path: Path) -> None:
    bare = {"qid": 1, "query": "a", "duration": 150, "vid": "aaaaaaaaaaa_0.0_150.0"}
    (item,) = written(ADAPTER, tmp_path, TRAIN, bare)
    assert item == Unread("0", "malformed", "relevant_windows: Field required")


def test_two_queries_on_one_clip_are_two_records(tmp_path: Path) -> None:
    lines = [json.dumps(query(query=words)) for words in ("One thing", "Another")]
    items = written(ADAPTER, tmp_path, "highlight_val_release.jsonl", "\n".join(lines))
    entries = [item for item in items if isinstance(item, Entry)]
    assert [entry.split for entry in entries] == ["val", "val"]
    assert len({entry.name for entry in entries}) == 1
    assert [texts(entry) for entry in entries] == [["One thing"], ["Another"]]


@pytest.mark.parametrize("vid", ["aaaaaaaaaaa", "aaaaaaaaaaa_60_210", "_60.0_210.0", ""])
def test_a_name_without_its_times_is_unread(tmp_path: Path, vid: str) -> None:
    (item,) = written(ADAPTER, tmp_path, TRAIN, query(vid))
    assert item == Unread("0", "malformed", f"vid: not ID_START_END: {vid}")
