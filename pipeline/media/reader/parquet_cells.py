"""Bytes of cells of Parquet files, in a temporary file that has no name.

A cell is no slice of its file: it lies in compressed pages of a row group, which are read from the
first on. So the cells that follow one are kept with it, up to the limit of memory, and a column
that is read in order is read once.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.media.base import Limits, MediaError
from pipeline.media.contents import has_bytes, is_bytes
from pipeline.media.reader.slice import Slice

_BUFFER_BYTES = 1 << 20

# What the pools of others keep for later would count against the limit of the next video.
pa.set_memory_pool(pa.system_memory_pool())


@dataclass
class _Kept:
    """Consecutive cells of one column of one file, by row: first byte and end; None for null."""

    key: tuple[object, ...] = ()
    spans: dict[int, tuple[int, int] | None] = field(default_factory=dict)
    file: IO[bytes] | None = None


_KEPT = _Kept()
"""Of this process, which reads one video after the other."""


def read_cell(path: Path, column: str, row: int, limits: Limits) -> Slice:
    """The bytes of a cell; ``row`` counts from 0 through the file.

    Raises:
        MediaError: ``missing_member`` where there is no such column, row, or value;
            ``bad_container`` where the file cannot be read; ``unsupported`` where the column holds
            no bytes.
        MemoryError: reading it takes more memory than allowed.
        OSError: the file, or the temporary file, cannot be read or written.
    """
    about = path.stat()
    key = (path, about.st_size, about.st_mtime_ns, column)
    if _KEPT.key != key or row not in _KEPT.spans:
        _keep(key, path, column, row, limits)
    span = _KEPT.spans[row]
    if span is None:
        raise MediaError("missing_member", f"{path.name}: row {row} of {column!r} is null")
    assert _KEPT.file is not None
    return Slice(Path(f"/proc/{os.getpid()}/fd/{_KEPT.file.fileno()}"), *span)


def _keep(key: tuple[object, ...], path: Path, column: str, row: int, limits: Limits) -> None:
    """Reads a cell and those after it in its row group, in place of what was kept."""
    if _KEPT.file is not None:
        _KEPT.file.close()
    _KEPT.key, _KEPT.spans, _KEPT.file = (), {}, tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
    try:
        with pq.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as source:
            leaf = _leaf(source.schema_arrow, path, column)
            group, before = _group(source.metadata, path, row)
            batches = source.iter_batches(1, [group], [leaf], use_threads=False)
            at = 0
            for number, batch in enumerate(batches, before):
                if number < row:
                    continue
                content = _content(batch.column(0))
                n_bytes = len(content or b"")
                if number > row and at + n_bytes > limits.memory_bytes:
                    break
                _KEPT.spans[number] = None if content is None else (at, at + n_bytes)
                if content is not None and n_bytes <= limits.max_file_bytes:
                    at += _written(_KEPT.file, content)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError) as error:
        # pyarrow raises OSError for damage, too, without a number.
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if row not in _KEPT.spans:
            raise MediaError("bad_container", f"{path.name}: {error}"[:200]) from None
    if row not in _KEPT.spans:
        raise MediaError("bad_container", f"{path.name} ends before row {row}")
    _KEPT.key = key


def _leaf(schema: pa.Schema, path: Path, column: str) -> str:
    """The name of the column with the bytes."""
    if column not in schema.names:
        raise MediaError("missing_member", f"{path.name} has no column {column!r:.200}")
    kind: Any = schema.field(column).type
    if has_bytes(kind):
        return f"{column}.bytes"
    if not is_bytes(kind):
        raise MediaError(
            "unsupported", f"{path.name}: column {column!r} is {kind}, not bytes"[:200]
        )
    return column


def _group(metadata: pq.FileMetaData, path: Path, row: int) -> tuple[int, int]:
    """The row group with a row, and how many rows are before it."""
    before = 0
    for group in range(metadata.num_row_groups):
        n_rows = metadata.row_group(group).num_rows
        if row < before + n_rows:
            return group, before
        before += n_rows
    raise MediaError("missing_member", f"{path.name} has {before} rows, and no row {row}")


def _content(column: Any) -> pa.Buffer | None:
    """The bytes of an array of one value; None where it is null."""
    values = column.flatten()[0] if isinstance(column, pa.StructArray) else column
    content: pa.Buffer | None = values[0].as_buffer()
    return content


def _written(file: IO[bytes], content: pa.Buffer) -> int:
    """Writes all of it, and returns how much that is."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    return len(content)
