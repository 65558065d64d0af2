"""What a part holds, as a digest: a stage that reads equal rows has nothing new to do."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pyarrow as pa

from pipeline.records.base import Provenance

_BYTES = 8

_CALL = frozenset(Provenance.model_fields)
_WRITER = ("model", "revision")


class _Sink(io.RawIOBase):
    """A file that keeps a digest of what is written."""

    def __init__(self) -> None:
        super().__init__()
        # Faster than SHA-256, and every frame of the corpus comes by here.
        self.hash = hashlib.blake2b(digest_size=_BYTES)

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: Any) -> int:
        """Takes in all of them."""
        self.hash.update(data)
        return len(data)


def rows_digest(table: pa.Table) -> str:
    """A digest of the rows, in their order, with names and types of their columns.

    Of a row's provenance only the model counts, which dialogues state. Another prompt or another
    count of tokens that led to the same row leaves what is made of it as it is: that keeps the call
    that it was made from.
    """
    columns = {name: _without_call(table.column(name)) for name in table.column_names}
    read = pa.table(columns).combine_chunks()
    sink = _Sink()
    with pa.ipc.new_stream(pa.PythonFile(sink, "w"), read.schema) as writer:
        writer.write_table(read)
    return sink.hash.hexdigest()


def _without_call(column: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    """A column; where it holds provenance, the model alone."""
    array: Any = column.combine_chunks()
    if pa.types.is_list(array.type) and _is_call(array.type.value_type):
        return pa.ListArray.from_arrays(array.offsets, _model(array.values), mask=array.is_null())
    made: pa.Array[Any] = _model(array) if _is_call(array.type) else array
    return made


def _is_call(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) and {field.name for field in kind} == _CALL


def _model(calls: pa.StructArray) -> pa.StructArray:
    fields = [calls.field(name) for name in _WRITER]
    return pa.StructArray.from_arrays(fields, names=list(_WRITER), mask=calls.is_null())
