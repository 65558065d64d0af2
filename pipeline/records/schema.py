"""Arrow schemas, derived from the record classes."""

from __future__ import annotations

import types
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate, chain
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import pyarrow as pa

from pipeline.records import Record, Turn, Turns
from pipeline.records.base import Coordinate
from pipeline.records.turns_arrow import turns_from_arrow, turns_to_arrow

R = TypeVar("R", bound=Record)

_SCALARS: dict[Any, pa.DataType] = {
    Coordinate: pa.float32(),
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
    return pa.Table.from_arrays(_columns(kind, list(rows)), schema=schema_of(kind))


def from_table(kind: type[R], table: pa.Table) -> Sequence[R]:
    """A table as validated rows. Columns that ``kind`` does not have are left out; columns missing
    in a table of an earlier version take their defaults.

    Raises:
        pydantic.ValidationError: a value violates the record's constraints, or a column without a
            default is missing.
    """
    there = frozenset(table.column_names)
    columns = [name for name in kind.model_fields if name in there]
    held = {name: turns for name in columns if (turns := _turns(kind, table, name)) is not None}
    rows = table.select([name for name in columns if name not in held]).to_pylist()
    for name, turns in held.items():
        for row, value in zip(rows, turns, strict=True):
            row[name] = value
    return [kind.model_validate(row) for row in rows]


def _turns(kind: type[Record], table: pa.Table, name: str) -> Sequence[Turns] | None:
    """A column of turns, checked; None for any other column, and one to be checked row by row."""
    of_turns = kind.model_fields[name].annotation is Turns
    if not of_turns or table.schema.field(name).type != schema_of(kind).field(name).type:
        return None
    return turns_from_arrow(table.column(name).combine_chunks())


def _columns(kind: type[Record], rows: Sequence[Record]) -> list[pa.Array[Any]]:
    names = kind.model_fields.keys()
    # Each row is looked at once: rows are many, and going through them for every field is slow.
    held = [[fields[name] for name in names] for fields in map(vars, rows)]
    columns = zip(*held, strict=True) if held else [()] * len(names)
    return [
        _column(field, info.annotation, values)
        for field, info, values in zip(
            schema_of(kind), kind.model_fields.values(), columns, strict=True
        )
    ]


def _column(field: pa.Field[Any], annotation: Any, values: Sequence[Any]) -> pa.Array[Any]:
    """Values of one field, built leaf by leaf: rows as dicts would take ten times as long."""
    kind, arrow = _bare(annotation), field.type
    if kind is Turns:
        return turns_to_arrow(values, arrow.value_type)
    nested = pa.types.is_list(arrow) or pa.types.is_struct(arrow)
    present = [value for value in values if value is not None] if nested else values
    if not nested or not present:
        made: pa.Array[Any] = pa.array(values, arrow)
        return made
    missing = None
    if len(present) < len(values):
        missing = pa.array([value is None for value in values], pa.bool_())
    if pa.types.is_struct(arrow):
        # Below a null Arrow wants values that its fields allow, which nobody will see.
        rows = [present[0] if value is None else value for value in values]
        return pa.StructArray.from_arrays(_columns(kind, rows), fields=list(arrow), mask=missing)
    lists = [value or () for value in values]
    offsets = pa.array(accumulate(map(len, lists), initial=0), pa.int32())
    items = list(chain.from_iterable(lists))
    child = _column(arrow.value_field, get_args(kind)[0], items)
    return pa.ListArray.from_arrays(offsets, child, type=arrow, mask=missing)


def _bare(annotation: Any) -> Any:
    """The annotation without what may be null and without constraints."""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(each for each in get_args(annotation) if each is not type(None))
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


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
    if annotation is Turns:
        return pa.list_(_field("item", Turn))
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
