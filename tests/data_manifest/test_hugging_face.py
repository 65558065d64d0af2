from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_manifest.hugging_face import make
from pipeline.manifest.adapters.adapter import read_file
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from tests.data_manifest.reading import only

MAP = {"video": "file", "text": "caption"}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)


def read(folder: Path, **options: str) -> list[Entry | Unread]:
    (file,) = make(MAP | options).files
    return list(read_file(file, folder))


def as_downloaded(folder: Path, **subsets: Any) -> Path:
    folder.mkdir()
    for name, rows in subsets.items():
        text = "\n".join(map(json.dumps, rows))
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def row(file: str, **more: Any) -> dict[str, Any]:
    return {"file": file, "caption": "It runs.", "score": 3} | more


def test_a_folder_as_it_was_downloaded(tmp_path: Path) -> None:
    found = as_downloaded(
        tmp_path / "d", train=[row("a"), row("b")], validation=[row("c")], test=[row("d")]
    )
    items = [only([item]) for item in read(found)]
    assert [(item.name, item.split) for item in items] == [
        ("a", "train"),
        ("b", "train"),
        ("c", "val"),
        ("d", "test"),
    ]
    assert items[1] == Entry(
        "b", (Place("b"),), (RawAnnotation("event", "It runs.", pointer="train/1/caption"),)
    )


def test_one_subset_and_a_split_of_each_row(tmp_path: Path) -> None:
    found = as_downloaded(tmp_path / "d", train=[row("a", split="val"), row("b", split=None)])
    names = [(only([item]).name, only([item]).split) for item in read(found, subset="train")]
    assert names == [("a", "val"), ("b", "train")]


def test_as_save_to_disk_leaves_it_with_a_column_of_videos(tmp_path: Path) -> None:
    from datasets.arrow_dataset import Dataset
    from datasets.features.video import Video

    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"no video: it must not be decoded")
    made = Dataset.from_dict({"file": [str(clip)], "caption": ["x"]}).cast_column("file", Video())
    made.save_to_disk(str(tmp_path / "saved"))
    entry = only(read(tmp_path, dataset=str(tmp_path / "saved")))
    assert (entry.name, entry.split) == ("a.mp4", "unassigned")


def test_a_column_that_was_named_must_be_there(tmp_path: Path) -> None:
    found = as_downloaded(tmp_path / "d", train=[row("a")])
    (item,) = read(found, start_s="begin")
    assert item == Unread(
        "train/0", "no_column", "there is no column 'begin'; there are: file, caption, score"
    )


def test_what_cannot_be_read_ends_its_subset(tmp_path: Path) -> None:
    found = as_downloaded(tmp_path / "d", test=[row("a")], train=[row("b")])
    with (found / "train.jsonl").open("a", encoding="utf-8") as file:
        file.write('\n{"file": broken\n')
    items = read(found)
    assert [item.reason for item in items if isinstance(item, Unread)] == ["damaged"]
    assert "a" in [item.name for item in items if isinstance(item, Entry)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "nobody/nothing"}, "dataset nobody/nothing: "),
        ({"subset": "tset"}, "there is no subset 'tset'; there are: train"),
        ({"config": "other"}, "BuilderConfig 'other' not found"),
    ],
)
def test_what_cannot_be_opened_is_named(
    tmp_path: Path, options: dict[str, str], message: str
) -> None:
    found = as_downloaded(tmp_path / "d", train=[row("a")])
    with pytest.raises(OSError, match=message):
        read(found, **options)
