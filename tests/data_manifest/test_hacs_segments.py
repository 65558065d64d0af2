from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from data_manifest.hacs_segments import ADAPTER
from pipeline.manifest.adapters.entry import Place, Unread
from tests.data_manifest.reading import only, spans, texts, written

FILE = "HACS_v1.1.1/HACS_segments_v1.1.1.json"


def video(*segments: tuple[str, float, float], **more: Any) -> dict[str, Any]:
    return {
        "annotations": [{"label": label, "segment": [s, e]} for label, s, e in segments],
        "subset": "training",
        "duration": "92.166667",
        "url": "https://www.youtube.com/watch?v=--aaaaaaaaa",
    } | more


def test_a_video_and_its_segments(tmp_path: Path) -> None:
    record = video(("Ice fishing", 5.4, 11.6), ("Skiing", 12.6, 88), ("Ice fishing", 90.5, 90.5))
    entry = only(written(ADAPTER, tmp_path, FILE, {"database": {"--aaaaaaaaa": record}}))
    assert (entry.name, entry.split) == ("--aaaaaaaaa", "train")
    assert entry.platform_id == "youtube:--aaaaaaaaa"
    assert spans(entry) == [(5.4, 11.6), (12.6, 88), (90.5, 90.5)]
    assert texts(entry) == ["Ice fishing", "Skiing", "Ice fishing"]
    assert entry.annotations[1].pointer == "database/--aaaaaaaaa/annotations/1"
    assert entry.places == (
        Place("Ice_fishing/v_--aaaaaaaaa"),
        Place("Skiing/v_--aaaaaaaaa"),
        Place("v_--aaaaaaaaa"),
        Place("--aaaaaaaaa"),
    )


@pytest.mark.parametrize("more", [{}, {"annotations": None}])
def test_testing_videos_have_no_labels(tmp_path: Path, more: dict[str, Any]) -> None:
    record = {"subset": "testing", "duration": "10.5", "url": ""} | more
    entry = only(written(ADAPTER, tmp_path, FILE, {"database": {"aaaaaaaaaaa": record}}))
    assert (entry.annotations, entry.split) == ((), "test")
    assert entry.places == (Place("v_aaaaaaaaaaa"), Place("aaaaaaaaaaa"))


def test_labels_that_are_missing_elsewhere_are_named(tmp_path: Path) -> None:
    record = video(subset="validation")
    del record["annotations"]
    (item,) = written(ADAPTER, tmp_path, FILE, {"database": {"aaaaaaaaaaa": record}})
    assert isinstance(item, Unread)
    assert (item.reason, item.detail[:20]) == ("malformed", "annotations: missing")


def test_a_file_without_its_database_is_unread(tmp_path: Path) -> None:
    (item,) = written(ADAPTER, tmp_path, FILE, {"--aaaaaaaaa": video()})
    assert item == Unread("", "malformed", "database is no JSON object")
