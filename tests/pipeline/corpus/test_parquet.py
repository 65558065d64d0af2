from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.corpus import parquet
from pipeline.corpus.forms import DIALOGUE_FORM
from pipeline.corpus.layout import VideoSample
from pipeline.corpus.parquet import ParquetFiles
from pipeline.records import Dialogue, ShardFile
from pipeline.records.schema import from_table, schema_of


def rows_of(samples: list[VideoSample], task: str, split: str) -> list[Dialogue]:
    dialogues = [dialogue for sample in samples for dialogue in sample.dialogues]
    return [d for d in dialogues if (d.task, d.split) == (task, split)]


def test_rows_come_back_in_order_of_arrival(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample]
) -> None:
    folder, _ = corpus
    for task, split in [("tsqa", "train"), ("narration", "validation")]:
        back: list[Dialogue] = []
        for path in sorted((folder / "data" / task).glob(f"{split}-*.parquet")):
            table = pq.ParquetFile(path).read()
            assert table.schema.equals(schema_of(Dialogue))
            back.extend(from_table(Dialogue, table))
        assert back == rows_of(samples, task, split)


def written(folder: Path, rows: list[Dialogue], parquet_bytes: int) -> list[ShardFile]:
    with ParquetFiles(folder, DIALOGUE_FORM, 3, parquet_bytes) as files:
        for row in rows:
            files.add("data/tsqa", row, "train", "tsqa")
        return files.finish()


def test_rows_are_let_go_before_the_file_is_full(
    samples: list[VideoSample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 6_000)
    monkeypatch.setattr(parquet, "_BATCH_BYTES", 1)
    rows = rows_of(samples, "tsqa", "train")
    (file,) = written(tmp_path, rows, 10_000_000)
    stored = pq.ParquetFile(tmp_path / file.path)
    assert stored.metadata.num_row_groups >= 3 and file.rows == len(rows)
    assert from_table(Dialogue, stored.read()) == rows
    assert stored.metadata.row_group(0).column(0).compression == "ZSTD"


def test_what_waits_is_bounded_however_many_files_are_open(
    samples: list[VideoSample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "WAITING_BYTES", 20_000)
    monkeypatch.setattr(parquet, "_BATCH_BYTES", 1)
    rows = rows_of(samples, "tsqa", "train")
    largest = max(DIALOGUE_FORM.to_table([row]).nbytes for row in rows)
    with ParquetFiles(tmp_path, DIALOGUE_FORM, 3, 10_000_000) as files:
        for number, row in enumerate(rows * 5):
            files.add(f"data/t{number % 5}", row, "train")
            waiting = [each.waiting_bytes for each in files._series.values()]
            assert sum(waiting) <= 20_000 + largest
        made = files.finish()
    groups = [pq.ParquetFile(tmp_path / file.path).metadata.num_row_groups for file in made]
    assert len(made) == 5 and max(groups) > 1
    assert sum(file.rows for file in made) == 5 * len(rows)


def test_a_file_ends_once_it_is_large_enough(
    samples: list[VideoSample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_BYTES", 1)
    monkeypatch.setattr(parquet, "_BATCH_BYTES", 1)
    rows = rows_of(samples, "tsqa", "train")
    files = written(tmp_path, rows, 1)
    assert [f.path for f in files] == [
        f"data/tsqa/train-00003-{number:03}.parquet" for number in range(len(rows))
    ]
    back = [from_table(Dialogue, pq.read_table(tmp_path / file.path)) for file in files]
    assert [row for each in back for row in each] == rows
    for file in files:
        content = (tmp_path / file.path).read_bytes()
        assert file.sha256 == hashlib.sha256(content).hexdigest(), "taken on the way"
        assert (file.size_bytes, file.rows) == (len(content), 1)


def test_files_have_a_page_index_and_say_how_their_pages_end(
    corpus: tuple[Path, list[ShardFile]],
) -> None:
    for path in corpus[0].rglob("*.parquet"):
        metadata = pq.ParquetFile(path).metadata
        assert metadata.metadata is not None
        assert json.loads(metadata.metadata[b"content_defined_chunking"]) == parquet.CHUNKING
        column = metadata.row_group(0).column(0)
        assert column.has_offset_index and column.has_column_index


CONFIGS = ["all", "event_caption", "narration", "tsqa", "messages", "frames", "preview", "traces"]


def test_load_dataset_reads_every_config(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample], offline_hub: None
) -> None:
    from datasets.inspect import get_dataset_config_names
    from datasets.load import load_dataset

    folder, files = corpus
    assert get_dataset_config_names(str(folder)) == CONFIGS
    for name in CONFIGS:
        kind = "data" if name in CONFIGS[:4] else name
        loaded = load_dataset(str(folder), name)
        streamed = load_dataset(str(folder), name, streaming=True)
        for split in loaded:
            rows = list(plain(loaded[split]))
            assert rows == list(plain(streamed[split]))
            own = [f for f in files if f.path.startswith(f"{kind}/") and f.split == split]
            assert len(rows) == sum(f.rows for f in own if f.task in ("", name) or name == "all")
    whole = load_dataset(str(folder))
    assert sorted(whole) == ["train", "validation"], "all is the default"
    every = [d for s in samples for d in s.dialogues]
    for split in whole:
        back = [Dialogue.model_validate(row) for row in whole[split]]
        expected = [d for d in every if d.split == split]
        assert back == sorted(expected, key=lambda dialogue: dialogue.task), "nothing twice"


def plain(rows: Any) -> Any:
    """Rows whose pictures are files: ``datasets`` would need another package to decode them."""
    from datasets.features import Image, List

    if "image" in rows.features:
        assert isinstance(rows.features["image"], Image)
        return rows.cast_column("image", Image(decode=False))
    if "frames" in rows.features:
        assert isinstance(rows.features["frames"].feature, Image)
        return rows.cast_column("frames", List(Image(decode=False)))
    return rows


def test_frames_come_back_byte_for_byte_with_their_times(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample], offline_hub: None
) -> None:
    from datasets.load import load_dataset

    rows = list(plain(load_dataset(str(corpus[0]), "frames", split="train")))
    frames = [frame for s in samples if s.split == "train" for frame in s.frames]
    assert [row["image"]["bytes"] for row in rows] == [frame.jpeg for frame in frames]
    for name in ("video_id", "index", "start_s", "end_s", "frame_s"):
        assert [row[name] for row in rows] == [getattr(frame, name) for frame in frames]


def test_messages_are_those_of_the_turns_and_say_what_is_learned(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample], offline_hub: None
) -> None:
    from datasets.load import load_dataset

    rows = load_dataset(str(corpus[0]), "messages", split="train")
    every = [d for s in samples for d in s.dialogues if d.split == "train"]
    assert [row["sample_id"] for row in rows] == [d.sample_id for d in every]
    for row, dialogue in zip(rows, every, strict=True):
        assert len(row["messages"]) == 2 * len(row["images"]) == 2 * len(dialogue.turns)
        for turn, user, assistant in zip(
            dialogue.turns, row["messages"][::2], row["messages"][1::2], strict=True
        ):
            assert user["content"].startswith(turn.question) and user["loss"] is None
            assert assistant["content"].endswith(turn.text or ">")
            assert (assistant["loss"], assistant["loss_scale"]) == (True, 1.0)


def test_preview_and_traces_show_what_is_asked_and_said(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample], offline_hub: None
) -> None:
    from datasets.load import load_dataset

    every = {d.sample_id: (d, s) for s in samples for d in s.dialogues}
    shown = pq.read_table(corpus[0] / "preview/train-00000-000.parquet").to_pylist()
    for row in shown:
        dialogue, sample = every[row["sample_id"]]
        assert all(turn.text in row["text"] for turn in dialogue.turns)
        jpegs = {frame.frame_s: frame.jpeg for frame in sample.frames}
        pictures = [picture["bytes"] for picture in row["frames"]]
        assert pictures == [jpegs[time_s] for time_s in row["frame_s"]] != []
    for row in load_dataset(str(corpus[0]), "traces", split="train"):
        dialogue, _ = every[row["session_id"]]
        head, *lines = map(json.loads, row["trace"].splitlines())
        assert (head["type"], head["id"]) == ("session", dialogue.sample_id)
        assert [line["message"] for line in lines] == row["messages"]
        said = [each for each in row["messages"] if each["role"] == "assistant"]
        turns = [turn for turn in dialogue.turns if turn.text]
        assert [each["timestamp"] for each in said] == [1000 * turn.start_s for turn in turns]
        assert all(turn.text in each["content"] for each, turn in zip(said, turns, strict=True))
