"""The Parquet form: ``data/<task>/<split>-00000-of-00002.parquet``, one row a dialogue.

Same rows, same bytes. Rows are written in the order in which they come.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from pipeline.corpus.layout import describe
from pipeline.records import Dialogue, ShardFile
from pipeline.records.schema import schema_of, to_table

ROW_GROUP_TURNS = 16_384
"""A row group is closed once it holds so many turns: what a writer keeps in memory."""


class ParquetFiles:
    """One open file for every task and split that has come up."""

    def __init__(self, folder: Path, rows_per_file: int) -> None:
        """``folder`` is that of the corpus."""
        self._folder = folder
        self._rows_per_file = rows_per_file
        self._series: dict[tuple[str, str], _Series] = {}

    def add(self, dialogue: Dialogue) -> None:
        """Puts one row behind the others of its task and split."""
        key = (dialogue.task, dialogue.split)
        if key not in self._series:
            self._series[key] = _Series(self._folder, *key, self._rows_per_file)
        self._series[key].add(dialogue)

    def finish(self) -> list[ShardFile]:
        """The files, ordered by path, under their last names: only now their number is known."""
        return [file for key in sorted(self._series) for file in self._series[key].finish()]

    def __enter__(self) -> ParquetFiles:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves no file open."""
        for series in self._series.values():
            series.close()


class _Series:
    """The files of one task and split."""

    def __init__(self, folder: Path, task: str, split: str, rows_per_file: int) -> None:
        self._folder = folder
        self._task = task
        self._split = split
        self._rows_per_file = rows_per_file
        self._writer: pq.ParquetWriter | None = None
        self._rows: list[int] = []
        self._batch: list[Dialogue] = []
        self._batch_turns = 0

    def add(self, dialogue: Dialogue) -> None:
        if self._writer is None:
            self._open()
        self._batch.append(dialogue)
        self._batch_turns += len(dialogue.turns)
        self._rows[-1] += 1
        if self._rows[-1] == self._rows_per_file:
            self.close()
        elif self._batch_turns >= ROW_GROUP_TURNS:
            self._flush()

    def finish(self) -> list[ShardFile]:
        self.close()
        files = []
        for number, rows in enumerate(self._rows):
            path = f"data/{self._task}/{self._split}-{number:05d}-of-{len(self._rows):05d}.parquet"
            self._unnamed(number).rename(self._folder / path)
            files.append(describe(self._folder, path, rows, self._task, self._split))
        return files

    def close(self) -> None:
        if self._writer is not None:
            self._flush()
            self._writer.close()
            self._writer = None

    def _open(self) -> None:
        path = self._unnamed(len(self._rows))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(path, schema_of(Dialogue), compression="zstd")
        self._rows.append(0)

    def _flush(self) -> None:
        if self._writer is not None and self._batch:
            self._writer.write_table(to_table(Dialogue, self._batch))
        self._batch = []
        self._batch_turns = 0

    def _unnamed(self, number: int) -> Path:
        return self._folder / "data" / self._task / f"{self._split}-{number:05d}.unnamed"
