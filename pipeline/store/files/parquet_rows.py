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
    """Each row, with the named columns or fields or all; None for one larger than ``ROW_BYTES``.

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
            wanted = [c for c in chunks if not columns or _is_of(c.path_in_schema, columns)]
            rows_at_once = min(batch_rows, _check(wanted, group, frozenset(in_lists)))
            for batch in file.iter_batches(
                rows_at_once, row_groups=[group], columns=list(columns) or None
            ):
                yield from _rows(batch)


def _is_of(leaf: str, columns: Sequence[str]) -> bool:
    return any(leaf == column or leaf.startswith(f"{column}.") for column in columns)


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


def _plain(kind: Any) -> Any:
    """The type with what dictionaries hold in their place."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    of_list: Any = getattr(kind, "value_field", None)
    if of_list is None:
        return kind
    inside = of_list.with_type(_plain(of_list.type))
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(inside, kind.list_size)
    return pa.large_list(inside) if pa.types.is_large_list(kind) else pa.list_(inside)


def _sizes(array: Any) -> Sizes:
    """The bytes of each value of an array, about."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        places = _numbers(array.indices, of_null=-1)
        return np.append(_lengths(array.dictionary), 0)[places] + _VALUE_BYTES
    sizes = np.full(len(array), _VALUE_BYTES, np.int64)
    if pa.types.is_struct(kind):
        for field in array.flatten():
            sizes += _sizes(field)
    elif pa.types.is_fixed_size_list(kind):
        first, values = array.offset * kind.list_size, len(array) * kind.list_size
        inside = _sizes(array.values)[first : first + values]
        sizes += inside.reshape(len(array), kind.list_size).sum(axis=1)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        parts = (array.keys, array.items) if pa.types.is_map(kind) else (array.values,)
        for part in parts:
            before = np.concatenate([[0], np.cumsum(_sizes(part))])
            sizes += np.diff(before[_numbers(array.offsets)])
    elif pa.types.is_nested(kind):
        raise ParquetLimitError(f"not supported: a column of the type {kind}")
    elif _has_length(kind):
        sizes += _lengths(array)
    return sizes


def _has_length(kind: Any) -> bool:
    names = ("string", "large_string", "binary", "large_binary", "fixed_size_binary")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in names)


def _lengths(array: Any) -> Sizes:
    return _numbers(pc.binary_length(array))


def _numbers(array: Any, of_null: int = 0) -> Sizes:
    return np.asarray(pc.fill_null(array, of_null), np.int64)
