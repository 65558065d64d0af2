from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_manifest.activitynet_captions import ADAPTER
from pipeline.manifest.adapters.entry import Place, Unread
from pipeline.manifest.adapters.licences import load_licences
from pipeline.manifest.make import Source, make_manifest
from tests.data_manifest.reading import only, spans, texts, written


def video(*events: tuple[list[Any], str | None]) -> dict[str, Any]:
    return {
        "duration": 61.5,
        "timestamps": [span for span, _ in events],
        "sentences": [text for _, text in events],
    }


def test_a_video_and_its_events(tmp_path: Path) -> None:
    record = video(([0, 12.25], "A man walks."), ([10.5, 61.5], " He  sits\ndown."))
    entry = only(written(ADAPTER, tmp_path, "train.json", {"v_aaaaaaaaaaa": record}))
    assert (entry.name, entry.split) == ("v_aaaaaaaaaaa", "train")
    assert entry.platform_id == "youtube:aaaaaaaaaaa"
    assert entry.places == (Place("v_aaaaaaaaaaa"), Place("aaaaaaaaaaa"))
    assert spans(entry) == [(0, 12.25), (10.5, 61.5)]
    assert texts(entry) == ["A man walks.", " He  sits\ndown."]
    assert [one.pointer for one in entry.annotations] == [
        "v_aaaaaaaaaaa/timestamps/0",
        "v_aaaaaaaaaaa/timestamps/1",
    ]
    assert {(one.kind, one.origin) for one in entry.annotations} == {("event", "human")}


def test_spans_and_texts_are_read_as_they_stand(tmp_path: Path) -> None:
    events = ([9, 8.5], "a"), ([7.25, 7.25], "b"), ([60, 99.5], None), ([0, 1], "")
    entry = only(written(ADAPTER, tmp_path, "val_1.json", {"v_bbbbbbbbbbb": video(*events)}))
    assert entry.split == "val"
    assert spans(entry) == [(9, 8.5), (7.25, 7.25), (60, 99.5), (0, 1)]
    assert texts(entry) == ["a", "b", None, ""]


@pytest.mark.parametrize("youtube", ["v_v_vaaaaaa", "_vaaaaaaaaa", "-_vaaaaaaaa", "vaaaaaaaaa_"])
def test_only_the_prefix_is_taken_off_an_id(tmp_path: Path, youtube: str) -> None:
    entry = only(written(ADAPTER, tmp_path, "train.json", {f"v_{youtube}": video()}))
    assert entry.platform_id == f"youtube:{youtube}"
    assert entry.places[0].path == f"v_{youtube}"


def test_the_second_validation_file_is_not_read(tmp_path: Path) -> None:
    assert not written(ADAPTER, tmp_path, "val_2.json", {"v_aaaaaaaaaaa": video()})


def test_lists_of_different_lengths_cost_their_record_alone(tmp_path: Path) -> None:
    bad = {**video(([0, 1], "a"), ([1, 2], "b")), "sentences": ["a"]}
    file = {"v_aaaaaaaaaaa": bad, "v_bbbbbbbbbbb": video(([0, 1], "a"))}
    first, second = written(ADAPTER, tmp_path, "train.json", file)
    assert first == Unread("v_aaaaaaaaaaa", "malformed", "2 timestamps, 1 sentences")
    assert not isinstance(second, Unread)


def test_a_span_of_one_number_is_named(tmp_path: Path) -> None:
    file = {"v_aaaaaaaaaaa": video(([0, 1], "a"), ([1], "b"))}
    (item,) = written(ADAPTER, tmp_path, "train.json", file)
    assert isinstance(item, Unread)
    assert (item.pointer, item.reason) == ("v_aaaaaaaaaaa", "malformed")
    assert item.detail.startswith("timestamps.1")


def test_the_copies_of_another_repository_are_read_where_the_originals_are_not(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "ActivityNet"
    events = video(([0, 2], "A man walks."))
    files = {"train": "v_aaaaaaaaaaa", "val": "v_bbbbbbbbbbb", "test": "v_bbbbbbbbbbb"}
    for name, key in files.items():
        (folder / f"{name}.json").parent.mkdir(exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps({key: events}))

    def report_of() -> tuple[dict[str, int], list[str], dict[str, Any]]:
        sources = [Source("a", ADAPTER, folder, [tmp_path])]
        report, _ = make_manifest(sources, tmp_path / "m.jsonl", load_licences())
        (account,) = report.accounts
        return account.files, account.absent, account.coverage

    missing = {"missing_file": 1}
    assert report_of() == (
        {"train.json": 1, "val.json": 1},
        [],
        {"train": missing, "val": missing},
    )
    (folder / "val_1.json").write_text(json.dumps({"v_ccccccccccc": events}))
    assert report_of()[0] == {"train.json": 1, "val_1.json": 1}
