"""Digests of parts of rows, taken from Arrow columns: no object is made for a value.

A list is its length and its items, a text its length and its bytes, and what may be null is known
by one more byte. So the bytes of a row tell its values apart, whatever batch it lies in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

DIGEST_BYTES = 8
LENGTH = "length"
"""The field of a list that is how many items it has."""

_Ints = npt.NDArray[np.int64]


class _Leaf(NamedTuple):
    """A field of a batch, as bytes."""

    name: str
    data: npt.NDArray[np.uint8]
    """Of as many rows as there are values; of a text each byte is one."""
    begins: _Ints
    """The first value of each row of the batch, and the end. One array for all fields whose values
    stand side by side."""


def row_digests(batch: pa.RecordBatch, parts: Sequence[Sequence[str]]) -> list[bytes]:
    """For each row the digests of its parts, ``DIGEST_BYTES`` each, one behind the other.

    A part names columns, or fields of them, such as ``turns.state``: with all that lies below.
    """
    leaves = list(_leaves_of(batch))
    digests = [_digests([leaf for leaf in leaves if _is_in(leaf.name, part)]) for part in parts]
    return [b"".join(each) for each in zip(*digests, strict=True)]


def leaf_names(schema: pa.Schema) -> list[str]:
    """The names of all fields that hold values, such as ``turns.state``."""
    leaves = _leaves_of(pa.RecordBatch.from_pylist([], schema))
    return list(dict.fromkeys(leaf.name for leaf in leaves))


def _is_in(name: str, part: Sequence[str]) -> bool:
    return any(name == each or name.startswith(f"{each}.") for each in part)


def _digests(leaves: Sequence[_Leaf]) -> Iterator[bytes]:
    """The digest of each row. What stands side by side is taken at once."""
    beside: dict[int, list[_Leaf]] = {}
    for leaf in leaves:
        beside.setdefault(id(leaf.begins), []).append(leaf)
    columns = []
    for own in beside.values():
        data = np.hstack([leaf.data for leaf in own])
        columns.append((data.ravel().data, (own[0].begins * data.shape[1]).tolist()))
    for row in range(len(columns[0][1]) - 1):
        content = b"".join([data[begins[row] : begins[row + 1]] for data, begins in columns])
        yield hashlib.blake2b(content, digest_size=DIGEST_BYTES).digest()


def _leaves_of(batch: pa.RecordBatch) -> Iterator[_Leaf]:
    rows = np.arange(len(batch) + 1)
    for field in batch.schema:
        yield from _leaves(field.name, batch.column(field.name), field, rows)


def _leaves(name: str, values: Any, field: Any, begins: _Ints) -> Iterator[_Leaf]:
    """What lies below a field."""
    if field.nullable:
        yield _of_numbers(name, pc.is_valid(values), begins)
    kind = values.type
    if pa.types.is_struct(kind):
        for index, inner in enumerate(values.flatten()):
            yield from _leaves(f"{name}.{kind.field(index).name}", inner, kind.field(index), begins)
    elif pa.types.is_list(kind):
        lengths = _filled(pc.list_value_length(values))
        yield _of_numbers(f"{name}.{LENGTH}", lengths, begins)
        yield from _leaves(name, values.flatten(), kind.value_field, _ends(lengths)[begins])
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        lengths = _filled(pc.binary_length(values))
        yield _of_numbers(name, lengths, begins)
        yield _Leaf(name, _bytes_of(values), _ends(lengths)[begins])
    else:
        yield _of_numbers(name, values, begins)


def _filled(values: Any) -> Any:
    """Numbers with a zero for each null."""
    return pc.fill_null(values, 0) if values.null_count else values


def _ends(lengths: Any) -> _Ints:
    """Where each value ends, behind a zero."""
    return np.concatenate([[0], np.cumsum(lengths.to_numpy(), dtype=np.int64)])


def _of_numbers(name: str, values: Any, begins: _Ints) -> _Leaf:
    is_truth = pa.types.is_boolean(values.type)
    numbers = _filled(pc.cast(values, pa.uint8()) if is_truth else values).to_numpy()
    return _Leaf(name, numbers.view(np.uint8).reshape(-1, numbers.itemsize), begins)


def _bytes_of(values: Any) -> npt.NDArray[np.uint8]:
    """The bytes of all texts, one behind the other; those of a null are none."""
    values = values.drop_null() if values.null_count else values
    _, offsets, data = values.buffers()
    if not len(values) or data is None:
        return np.zeros((0, 1), np.uint8)
    ends = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    return np.frombuffer(data, np.uint8)[ends[0] : ends[-1]].reshape(-1, 1)
