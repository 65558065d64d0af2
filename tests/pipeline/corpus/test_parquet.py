from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.corpus import parquet
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


def test_rows_are_let_go_before_the_file_is_full(
    samples: list[VideoSample], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_TURNS", 20)
    rows = rows_of(samples, "tsqa", "train")
    with ParquetFiles(tmp_path, rows_per_file=1000) as files:
        for row in rows:
            files.add(row)
        (file,) = files.finish()
    stored = pq.ParquetFile(tmp_path / file.path)
    assert stored.metadata.num_row_groups > 3
    assert from_table(Dialogue, stored.read()) == rows
    assert stored.metadata.row_group(0).column(0).compression == "ZSTD"


def test_load_dataset_reads_a_config_a_task(
    corpus: tuple[Path, list[ShardFile]], samples: list[VideoSample], offline_hub: None
) -> None:
    from datasets.inspect import get_dataset_config_names
    from datasets.load import load_dataset

    folder, _ = corpus
    names = get_dataset_config_names(str(folder))
    assert names == ["event_caption", "narration", "tsqa"]
    loaded = load_dataset(str(folder), "tsqa")
    assert sorted(loaded) == ["train", "validation"]
    for split in ("train", "validation"):
        back = [Dialogue.model_validate(row) for row in loaded[split]]
        assert back == rows_of(samples, "tsqa", split)
