from __future__ import annotations

import inspect
import io
from typing import Union

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline import records
from pipeline.records import FramedSegment, Record, Segment, Turn, Turns
from pipeline.records.schema import from_table, schema_of, to_table
from tests.conftest import examples

KINDS = [
    kind
    for _, kind in inspect.getmembers(records, inspect.isclass)
    if issubclass(kind, Record) and kind is not Record
]
for _kind in KINDS:
    _kind.model_rebuild()  # else hypothesis sees no fields: they are built when first used


def by_the_library(kind: type[Record], rows: list[Record]) -> pa.Table:
    """Row by row, as dicts."""
    return pa.Table.from_pylist([row.model_dump() for row in rows], schema=schema_of(kind))


def stored(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def side_by_side(turns: list[Turn]) -> Turns:
    return Turns.of(turn.model_copy(update={"index": 7 + n}) for n, turn in enumerate(turns))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=examples(20))
@given(data=st.data())
def test_every_record_survives_arrow(kind: type[Record], data: st.DataObject) -> None:
    st.register_type_strategy(str, st.text(st.characters(codec="utf-8"), max_size=5))
    st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
    st.register_type_strategy(float, st.floats(0, 1))
    st.register_type_strategy(Turns, st.lists(st.from_type(Turn), max_size=3).map(side_by_side))
    rows = data.draw(st.lists(st.from_type(kind), max_size=2))
    table = to_table(kind, rows)
    assert from_table(kind, table) == rows
    assert table == by_the_library(kind, rows)
    assert stored(table) == stored(by_the_library(kind, rows))


def test_a_subclass_is_read_as_its_base() -> None:
    row = FramedSegment(
        video_id="v", index=0, start_s=0, end_s=1, frame_s=0, turns_per_s=1, jpeg=b"x"
    )
    table = to_table(FramedSegment, [row])
    assert from_table(Segment, table) == [
        Segment(video_id="v", index=0, start_s=0, end_s=1, frame_s=0, turns_per_s=1)
    ]


def test_constraints_hold_on_read() -> None:
    row = {"video_id": "v", "index": 0, "start_s": -1.0, "end_s": 1.0, "frame_s": 0.0}
    row["turns_per_s"] = 1.0
    table = pa.Table.from_pylist([row], schema=schema_of(Segment))
    with pytest.raises(ValidationError, match="start_s"):
        from_table(Segment, table)


def test_what_arrow_cannot_hold_is_named() -> None:
    class Odd(Record):
        x: Union[int, str]  # noqa: UP007

    with pytest.raises(TypeError, match="x: only"):
        schema_of(Odd)


def test_nullable_only_where_declared() -> None:
    assert not schema_of(Turn).field("text").nullable
    assert schema_of(records.Response).field("valid_until_s").nullable
