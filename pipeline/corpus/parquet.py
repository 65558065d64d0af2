"""Parquet files of a group of shards: ``<place>-<group>-<file>.parquet``.

Same rows, same bytes. Rows are written in the order in which they come. Pages end where their
content says so, and not after so many rows, so that a row that is changed or left out changes the
pages around it and no others: a store that knows files by their chunks, as the HF Hub does, takes
the rest from the release of before. Their limits, and the page index, are those that ``datasets``
5 writes with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, Literal, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.corpus.written_file import WrittenFile
from pipeline.records import ShardFile

T = TypeVar("T")
Compression = Literal["zstd", "none"]

ROW_GROUP_BYTES = 64 << 20
"""In memory; the Hub's viewer wants at most 100 MB. What a writer keeps of an open file."""
WAITING_BYTES = 128 << 20
"""What it keeps of all that are open together: one for each task and split. A group of the default
size has less, so there row groups are as large as they may be."""
_BATCH_BYTES = 4 << 20
"""Of rows as objects, before they become columns."""
CHUNKING: Final = {"min_chunk_size": 256 << 10, "max_chunk_size": 1 << 20, "norm_level": 0}


@dataclass(frozen=True)
class Form(Generic[T]):
    """The rows of one kind of file."""

    schema: pa.Schema
    to_table: Callable[[Sequence[T]], pa.Table]
    size_bytes: Callable[[T], int]
    """About what a row takes up in memory."""
    compression: Compression = "zstd"
    dictionary: bool | list[str] = True
    """Columns with a dictionary, or all: of pictures one would store each of them twice."""


def open_parquet(
    file: Any,
    schema: pa.Schema,
    compression: Compression = "zstd",
    dictionary: bool | list[str] = True,
) -> pq.ParquetWriter:
    """A writer of a file of a corpus, into a path or a stream."""
    writer = pq.ParquetWriter(
        file,
        schema,
        compression=compression,
        use_dictionary=dictionary,  # type: ignore[arg-type]  # a list of columns, too
        use_content_defined_chunking=CHUNKING,
        write_page_index=True,
    )
    writer.add_key_value_metadata({"content_defined_chunking": json.dumps(CHUNKING)})
    return writer


class ParquetFiles(Generic[T]):
    """Rows of one form; one open file for every place that has come up."""

    def __init__(self, folder: Path, form: Form[T], group: int, parquet_bytes: int) -> None:
        """``folder`` is that of the corpus, ``group`` the number in the names of the files."""
        self._folder = folder
        self._form = form
        self._group = group
        self._parquet_bytes = parquet_bytes
        self._series: dict[tuple[str, str, str], _Series[T]] = {}

    def add(self, place: str, row: T, split: str, task: str = "") -> None:
        """Puts one row behind the others of ``place``, such as ``data/tsqa``, and split."""
        key = (place, split, task)
        if key not in self._series:
            name = f"{place}/{split}-{self._group:05d}"
            about = self._form, self._parquet_bytes
            self._series[key] = _Series(self._folder, name, task, split, *about)
        self._series[key].add(row)
        if sum(each.waiting_bytes for each in self._series.values()) > WAITING_BYTES:
            max(self._series.values(), key=lambda each: each.waiting_bytes).write()

    def finish(self) -> list[ShardFile]:
        """The files, ordered by path."""
        return [file for key in sorted(self._series) for file in self._series[key].finish()]

    def __enter__(self) -> ParquetFiles[T]:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leaves no file open."""
        for series in self._series.values():
            series.close()


class _Series(Generic[T]):
    """The files of one place and split."""

    def __init__(
        self, folder: Path, name: str, task: str, split: str, form: Form[T], parquet_bytes: int
    ) -> None:
        self._folder, self._name, self._task, self._split = folder, name, task, split
        self._form = form
        self._parquet_bytes = parquet_bytes
        self._writer: pq.ParquetWriter | None = None
        self._files: list[WrittenFile] = []
        self._batch: list[T] = []
        self._batch_bytes = 0
        self._tables: list[pa.Table] = []
        self.waiting_bytes = 0

    def add(self, row: T) -> None:
        self._batch.append(row)
        self._batch_bytes += self._form.size_bytes(row)
        if self._batch_bytes >= _BATCH_BYTES:
            self._convert()

    def finish(self) -> list[ShardFile]:
        self._convert()
        self.write()
        self.close()
        return [file.described() for file in self._files]

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._files[-1].close()

    def _convert(self) -> None:
        """The rows so far as columns; a row group before they would be too many for one."""
        if not self._batch:
            return
        table = self._form.to_table(self._batch)
        self._batch, self._batch_bytes = [], 0
        if self.waiting_bytes + table.nbytes > ROW_GROUP_BYTES:
            self.write()
        self._tables.append(table)
        self.waiting_bytes += table.nbytes

    def write(self) -> None:
        """The columns that wait as a row group."""
        if not self._tables:
            return
        if self._writer is None:
            name = f"{self._name}-{len(self._files):03d}.parquet"
            self._files.append(WrittenFile(self._folder, name, self._task, self._split))
            self._writer = open_parquet(
                self._files[-1], self._form.schema, self._form.compression, self._form.dictionary
            )
        rows = pa.concat_tables(self._tables)
        self._writer.write_table(rows, row_group_size=rows.num_rows)
        self._files[-1].rows += rows.num_rows
        self._tables, self.waiting_bytes = [], 0
        if self._files[-1].size_bytes >= self._parquet_bytes:
            self.close()
