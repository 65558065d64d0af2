"""Rows of Parquet files from outside, within limits: a small file may stand for very much.

A text that repeats is stored once, and a list of a hundred million nulls in a few bytes, so texts
are read as dictionaries and measured before they become rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

BATCH_ROWS = 1024
GROUP_BYTES = 256 << 20
"""Of a row group, unpacked. Writers make groups of 128 MB, or of a million rows."""
GROUP_LIST_VALUES = 1 << 25
"""Of all columns inside lists in a row group together; each takes some twelve bytes."""
ROW_BYTES = 16 << 20
"""As long as a line of a manifest may be."""
_VALUE_BYTES = 8
Sizes = npt.NDArray[np.int64]


class ParquetLimitError(ValueError):
    """A row group is larger than the limits of this module; the message names it and the limit."""


def bounded_rows(
    stream: IO[bytes], columns: Sequence[str] = (), batch_rows: int = BATCH_ROWS
) -> Iterator[dict[str, Any] | None]:
    """Each row, with the named columns or all; None for one larger than ``ROW_BYTES``.

    What a row group takes is judged by what the file says of it; memory holds one batch of rows.

    Raises:
        ParquetLimitError: a row group is too large, or has a type whose size is not known.
        pa.ArrowException: the file is damaged.
    """
    with pq.ParquetFile(stream) as file:
        groups, schema = file.metadata, file.schema
        leaves = [schema.column(i) for i in range(len(schema))]
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        in_lists = [leaf.path for leaf in leaves if leaf.max_repetition_level > 0]
    # Opened anew: which columns are read as dictionaries is an option of opening.
    stream.seek(0)
    with pq.ParquetFile(stream, metadata=groups, read_dictionary=texts) as file:
        for group in range(groups.num_row_groups):
            of_group = groups.row_group(group)
            chunks = [of_group.column(i) for i in range(of_group.num_columns)]
            wanted = [c for c in chunks if not columns or c.path_in_schema.split(".")[0] in columns]
            rows_at_once = min(batch_rows, _check(wanted, group, frozenset(in_lists)))
            for batch in file.iter_batches(
                rows_at_once, row_groups=[group], columns=list(columns) or None
            ):
                yield from _rows(batch)


def _check(columns: Sequence[pq.ColumnChunkMetaData], number: int, in_lists: Set[str]) -> int:
    """How many rows may be read at once, by the worst that a column can make of what it holds."""
    size_bytes = sum(column.total_uncompressed_size for column in columns)
    if size_bytes > GROUP_BYTES:
        raise ParquetLimitError(
            f"row group {number} unpacks to {size_bytes} bytes, at most {GROUP_BYTES} are read:"
            " write it with smaller row groups"
        )
    values = sum(column.num_values for column in columns if column.path_in_schema in in_lists)
    if values > GROUP_LIST_VALUES:
        raise ParquetLimitError(
            f"row group {number} has {values} values in lists, at most {GROUP_LIST_VALUES} are"
            " read: write it with smaller row groups"
        )
    # These are no dictionaries to Arrow, and each value may be as long as all that is stored.
    unmeasured = sum(
        column.total_uncompressed_size
        for column in columns
        if column.physical_type == "FIXED_LEN_BYTE_ARRAY" or "DELTA_BYTE_ARRAY" in column.encodings
    )
    return max(1, GROUP_BYTES // max(1, unmeasured))


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any] | None]:
    sizes = sum((_sizes(column) for column in batch.columns), np.zeros(len(batch), np.int64))
    plain = pa.schema([field.with_type(_plain(field.type)) for field in batch.schema])
    start = 0
    while start < len(batch):
        if sizes[start] > ROW_BYTES:
            yield None
            start += 1
            continue
        # So many that they take no more than the largest row may, and none that is too large.
        filled = int(np.searchsorted(np.cumsum(sizes[start:]), ROW_BYTES, side="right"))
        # As plain texts, of which Arrow makes rows ten times faster than of dictionaries.
        yield from batch.slice(start, filled).cast(plain).to_pylist()
        start += filled


def _plain(kind: pa.DataType) -> pa.DataType:
    """The type with what dictionaries hold in their place."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    inside = kind.value_field.with_type(_plain(kind.value_type)) if _is_list(kind) else None
    if pa.types.is_list(kind):
        return pa.list_(inside)
    if pa.types.is_large_list(kind):
        return pa.large_list(inside)
    return pa.list_(inside, kind.list_size) if pa.types.is_fixed_size_list(kind) else kind


def _is_list(kind: pa.DataType) -> bool:
    return (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def _sizes(array: pa.Array) -> Sizes:
    """The bytes of each value of an array, about."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        lengths = np.asarray(pc.fill_null(pc.binary_length(array.dictionary), 0), np.int64)
        places = np.asarray(pc.fill_null(array.indices, -1), np.int64)
        return np.append(lengths, 0)[places] + _VALUE_BYTES
    if pa.types.is_struct(kind):
        fields = (_sizes(field) for field in array.flatten())
        return sum(fields, np.full(len(array), _VALUE_BYTES, np.int64))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        inside = _sizes(array.values) if not pa.types.is_map(kind) else _of_map(array)
        ends = np.concatenate([[0], np.cumsum(inside)])[np.asarray(array.offsets, np.int64)]
        return np.diff(ends) + _VALUE_BYTES
    if pa.types.is_fixed_size_list(kind):
        inside = _sizes(array.values)[array.offset * kind.list_size :]
        rows = inside[: len(array) * kind.list_size].reshape(len(array), kind.list_size)
        return rows.sum(axis=1) + _VALUE_BYTES
    if _is_text(kind):
        return np.asarray(pc.fill_null(pc.binary_length(array), 0), np.int64) + _VALUE_BYTES
    if pa.types.is_nested(kind):
        raise ParquetLimitError(f"not supported: a column of the type {kind}")
    return np.full(len(array), _VALUE_BYTES, np.int64)


def _of_map(array: pa.MapArray) -> Sizes:
    return _sizes(array.keys) + _sizes(array.items)


def _is_text(kind: pa.DataType) -> bool:
    return (
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )
