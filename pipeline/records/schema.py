"""Arrow schemas, derived from the record classes."""

from __future__ import annotations

import types
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa

from pipeline.records import Record

R = TypeVar("R", bound=Record)

_SCALARS: dict[Any, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}


@cache
def schema_of(kind: type[Record]) -> pa.Schema:
    """The Arrow schema of a record class, fields in declared order.

    Raises:
        TypeError: a field's annotation has no Arrow counterpart.
    """
    return pa.schema([_field(name, info.annotation) for name, info in kind.model_fields.items()])


def to_table(kind: type[Record], rows: Iterable[Record]) -> pa.Table:
    """Rows as a table of exactly ``schema_of(kind)``, in the order given."""
    return pa.Table.from_pylist([row.model_dump() for row in rows], schema=schema_of(kind))


def from_table(kind: type[R], table: pa.Table) -> Sequence[R]:
    """A table as validated rows. Columns that ``kind`` does not have are left out; columns missing
    in a table of an earlier version take their defaults.

    Raises:
        pydantic.ValidationError: a value violates the record's constraints, or a column without a
            default is missing.
    """
    columns = [name for name in kind.model_fields if name in table.column_names]
    return [kind.model_validate(row) for row in table.select(columns).to_pylist()]


def _field(name: str, annotation: Any) -> pa.Field[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [a for a in get_args(annotation) if a is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"{name}: only `X | None` has an Arrow type, got {annotation}")
        return pa.field(name, _arrow(name, inner[0]), nullable=True)
    return pa.field(name, _arrow(name, annotation), nullable=False)


def _arrow(name: str, annotation: Any) -> pa.DataType:
    if annotation in _SCALARS:
        return _SCALARS[annotation]
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return _SCALARS[type(args[0])]
    if origin in (list, tuple):
        return pa.list_(_field("item", args[0]))
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return pa.struct(list(schema_of(annotation)))
    if hasattr(annotation, "__metadata__"):
        return _arrow(name, args[0])
    raise TypeError(f"{name}: {annotation} has no Arrow type; add it to pipeline/records/schema.py")
