from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Annotation, Provenance, Record, Segment
from pipeline.records.base import THIS_CALL
from pipeline.records.event import Event
from pipeline.records.schema import schema_of, to_table
from pipeline.store.content import rows_digest

OTHER_CALLS = {
    name: "other" if isinstance(value, str) else 7
    for name, value in THIS_CALL
    if name not in ("model", "revision")
}


def event(call: Provenance | None, caption: str = "a cup falls") -> Event:
    return Event(video_id="v", family="event", caption=caption, start_s=0, end_s=1, provenance=call)


def annotation(*calls: Provenance) -> Annotation:
    return Annotation.instants("t", "What?", [(1.0, "a cup")], provenance=list(calls))


def changed(**fields: Any) -> Provenance:
    return THIS_CALL.model_copy(update=fields)


def digests(*tables: Sequence[Record]) -> set[str]:
    return {rows_digest(to_table(type(rows[0]), rows)) for rows in tables}


@pytest.mark.parametrize("name", sorted(OTHER_CALLS))
def test_another_call_of_the_same_model_is_the_same_content(name: str) -> None:
    other = changed(**{name: OTHER_CALLS[name]})
    assert len(digests([event(THIS_CALL), event(None)], [event(other), event(None)])) == 1
    assert len(digests([annotation(THIS_CALL, other)], [annotation(other, THIS_CALL)])) == 1


def test_another_model_or_other_words_are_other_content() -> None:
    one = [event(THIS_CALL), event(None)]
    others = [
        [event(changed(model="other")), event(None)],
        [event(changed(revision="other")), event(None)],
        [event(None), event(THIS_CALL)],
        [event(THIS_CALL, "a cup stands"), event(None)],
        [event(THIS_CALL)],
    ]
    assert len(digests(one, *others)) == 6
    calls = [[annotation()], [annotation(THIS_CALL)], [annotation(THIS_CALL, THIS_CALL)]]
    assert len(digests(*calls)) == 3


@given(st.lists(st.integers(0, 3), max_size=5), st.lists(st.integers(0, 3), max_size=5))
def test_equal_digests_are_equal_rows_in_equal_order(one: list[int], other: list[int]) -> None:
    def of(starts: list[int]) -> str:
        rows = [
            Segment(video_id="v", index=i, start_s=i, end_s=i + 1, frame_s=i, turns_per_s=1)
            for i in starts
        ]
        return rows_digest(to_table(Segment, rows))

    assert (of(one) == of(other)) == (one == other)


def test_no_rows_of_one_kind_are_not_no_rows_of_another() -> None:
    assert rows_digest(schema_of(Event).empty_table()) != rows_digest(
        schema_of(Segment).empty_table()
    )
