"""The columns of turns against the list of records that they stand for."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.records import Record, Turn, Turns
from pipeline.records.schema import from_table, schema_of, to_table
from pipeline.records.turns import STATES
from tests.conftest import examples

NAMES = st.lists(st.sampled_from(["a", "b", "ç"]), max_size=2)
TEXTS = st.sampled_from(["", "", "", "said", "two\nlines"])


@st.composite
def records(draw: st.DrawFn) -> list[Turn]:
    """Turns side by side, as a list of records that were validated one by one."""
    first, states = draw(st.integers(0, 5)), draw(st.lists(st.sampled_from(STATES), max_size=6))
    made: list[Turn] = []
    for number, state in enumerate(states):
        weight: dict[str, Any] = {}
        if draw(st.booleans()):
            weight = {"loss": draw(st.sampled_from([None, True])), "loss_scale": draw(
                st.sampled_from([None, 0.5]))}  # fmt: skip
        made.append(
            Turn(
                index=first + number,
                start_s=number / 3,
                end_s=draw(st.sampled_from([(number + 1) / 3, number / 3 + 0.01])),
                frame_s=max(0.0, number / 3 - draw(st.floats(0, 0.1))),
                state=state,
                transition=not made or state != made[-1].state,
                question=draw(TEXTS),
                text=draw(TEXTS),
                qids=draw(NAMES),
                rids=draw(NAMES),
                answers=draw(NAMES),
                flags=draw(NAMES),
                **weight,
            )
        )
    return made


class OfRecords(Record):
    """As a dialogue held its turns before they were columns."""

    turns: list[Turn]


class OfColumns(Record):
    turns: Turns


def flat(rows: list[list[Turn]]) -> pa.Table:
    """Row by row, by the library alone."""
    dicts = [{"turns": [turn.model_dump() for turn in turns]} for turns in rows]
    return pa.Table.from_pylist(dicts, schema=schema_of(OfRecords))


@given(records(), st.integers(-7, 7), st.integers(-7, 7))
def test_it_is_the_sequence_of_its_records(turns: list[Turn], begin: int, end: int) -> None:
    made = Turns.of(turns)
    assert list(made) == turns
    assert [made[at] for at in range(-len(turns), len(turns))] == [*turns, *turns]
    assert list(reversed(made)) == turns[::-1] and len(made) == len(turns)
    assert Turns.of(made) == made
    cut = list(made[begin:end])
    if cut:
        assert made[begin:end] == Turns.of(turns[begin:end])
        cut[0] = cut[0].model_copy(update={"transition": turns[begin:end][0].transition})
    assert cut == turns[begin:end]
    states = [turn.state for turn in turns]
    assert made.counts() == {state: states.count(state) for state in STATES}
    with pytest.raises(IndexError):
        made[len(turns)]


@given(records())
def test_in_a_record_it_reads_and_writes_as_a_list_of_turns(turns: list[Turn]) -> None:
    old, new = OfRecords(turns=turns), OfColumns(turns=Turns.of(turns))
    assert new.model_dump_json() == old.model_dump_json()
    assert new.model_dump() == old.model_dump()
    assert OfColumns.model_validate(old.model_dump()) == new
    assert OfColumns.model_validate_json(old.model_dump_json()) == new
    assert OfColumns.model_validate({"turns": turns}) == new


@given(st.lists(records(), max_size=4), st.data())
@settings(max_examples=examples(200))
def test_its_arrow_column_is_that_of_the_records(rows: list[list[Turn]], data: Any) -> None:
    table = to_table(OfColumns, [OfColumns(turns=Turns.of(turns)) for turns in rows])
    assert table == flat(rows)
    assert table.schema == schema_of(OfRecords)
    begin = data.draw(st.integers(0, len(rows)))
    back = from_table(OfColumns, table.slice(begin, 2))
    assert [row.turns for row in back] == [Turns.of(turns) for turns in rows[begin : begin + 2]]


TURN = {"index": 4, "start_s": 4.0, "end_s": 5.0, "frame_s": 4.0, "state": "silence"}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"state": "asleep"}, "state"),
        ({"start_s": -1.0}, "start_s"),
        ({"frame_s": float("nan")}, "frame_s"),
        ({"end_s": float("inf")}, "end_s"),
        ({"index": 6}, "turn 6 stands where 5 should"),
        ({"text": None}, "text"),
    ],
)
def test_what_no_turns_have_is_refused_by_name(changed: dict[str, Any], named: str) -> None:
    second = {**Turn.model_validate({**TURN, "index": 5}).model_dump(), **changed}
    rows = [{"turns": [Turn.model_validate(TURN).model_dump(), second]}]
    leaves = [each.with_nullable(True) for each in schema_of(Turn)]
    for item in (leaves, list(schema_of(Turn))):
        if changed.get("text", "") is None and item is not leaves:
            continue
        kind = pa.list_(pa.field("item", pa.struct(item), nullable=False))
        table = pa.Table.from_pylist(rows, schema=pa.schema([pa.field("turns", kind)]))
        with pytest.raises(ValidationError, match=named):
            from_table(OfColumns, table)


def test_a_table_of_an_earlier_version_takes_defaults() -> None:
    fields = [each for each in schema_of(Turn) if each.name not in ("loss", "flags")]
    kind = pa.list_(pa.field("item", pa.struct(fields), nullable=False))
    table = pa.Table.from_pylist([{"turns": [Turn.model_validate(TURN).model_dump()]}],
                                 schema=pa.schema([pa.field("turns", kind)]))  # fmt: skip
    (row,) = from_table(OfColumns, table)
    assert list(row.turns) == [Turn.model_validate(TURN | {"transition": True})]


def test_slices_skip_no_turn() -> None:
    with pytest.raises(ValueError, match="every turn"):
        Turns.of([Turn.model_validate(TURN)])[::2]
