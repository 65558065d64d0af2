from __future__ import annotations

from typing import Any

import pytest

from pipeline.records import THIS_CALL, Annotation, Change, Event, Provenance, Reject, Response
from pipeline.records.complete import complete
from pipeline.records.digest import digest

CALL = THIS_CALL.model_copy(update={"model": "m", "revision": "1", "request_id": "q1"})
OTHER = CALL.model_copy(update={"request_id": "q2"})


def event(**fields: Any) -> Event:
    known = {"family": "event", "caption": "It rolls.", "start_s": 1, "end_s": 2}
    return Event.model_validate(known | {"provenance": THIS_CALL} | fields)


def completed(row: Any, call: Provenance | None = CALL, place: int = 0) -> Any:
    return complete(row, "v", call, place)


def test_video_and_call_are_filled_in() -> None:
    change = completed(Change(index=1, time_s=1, changed=False, text=""))
    assert (change.video_id, change.provenance) == ("v", CALL)
    reject = completed(Reject(reason="r"))
    assert (reject.video_id, reject.request_id) == ("v", "q1")


def test_what_the_stage_has_set_stays() -> None:
    row = Change(video_id="w", index=1, time_s=1, changed=False, text="", provenance=OTHER)
    assert completed(row) == row
    known = Annotation(task="t", questions=[], responses=[], annotation_id="a", parent_ids=["p"])
    assert (completed(known).annotation_id, completed(known).parent_ids) == ("a", ["p"])


def test_an_event_is_known_by_its_call_its_place_and_what_it_is() -> None:
    first = completed(event())
    made_of = ["event", "v", 0, "It rolls.", [1.0, 2.0], ["m", "1", 0, "q1"]]
    assert first.event_id == digest(made_of, 16)
    others = [
        completed(event(), place=1),
        completed(event(), OTHER),
        completed(event(end_s=3)),
        completed(event(provenance=None, origin="human"), None),
        completed(event(provenance=None, origin="model"), None),
    ]
    assert len({first.event_id, *(each.event_id for each in others)}) == 6


def test_an_annotation_ends_its_provenance_with_the_call_and_is_known_by_it() -> None:
    row = Annotation.instants("tsqa", "Which?", [(1.0, "red")], aspect="colour", provenance=[OTHER])
    made = completed(row)
    assert made.provenance == [OTHER, CALL]
    assert made.parent_ids == ["q1"]
    content = ["colour", "Which?", [[1.0, "red"]], ["m", "1", 0, "q1"]]
    assert made.annotation_id == digest(["tsqa", "v", content], 16)


def test_annotations_without_a_call_differ_by_all_that_they_hold() -> None:
    def row(origin: str, *span: float, asked_s: float = 0, options: tuple[str, ...] = ()) -> Any:
        made = Annotation.instants("t", "Which?", [], origins=[origin])
        asked = {"asked_s": asked_s, "options": list(options)}
        questions = [made.questions[0].model_copy(update=asked)]
        responses = [Response.event("r0", "red", *span)]
        return made.model_copy(update={"questions": questions, "responses": responses})

    rows = [
        row("human", 1, 2),
        row("model", 1, 2),
        row("human", 0, 2),
        row("human", 1, 2, asked_s=1),
        row("human", 1, 2, options=("red", "blue")),
    ]
    assert len({completed(each, None).annotation_id for each in rows}) == len(rows)


def test_a_row_that_names_a_call_where_there_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"Event\.provenance: the row comes from no model call"):
        completed(event(), None)
