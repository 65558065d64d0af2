from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Annotation, Event, Segment
from pipeline.workflow.stage import Context
from stages import event_turns
from stages.event_turns import dialogue_of
from tests.stages.clip_streams import stream, turns
from tests.stages.test_interleave import MANY, within

HERE = turns(stream("v", [20.0]))


def described(end_s: float, video_id: str = "v", **fields: Any) -> Event:
    known = {"family": "event", "origin": "human", "caption": f"It ends at {end_s}."}
    times = {"start_s": max(0.0, end_s - 2), "end_s": end_s, "event_id": f"e{end_s}"}
    return Event.model_validate({"video_id": video_id, "provenance": None} | known | times | fields)


def test_a_fifth_is_reported_unasked_and_the_others_are_asked() -> None:
    config = event_turns.Config()
    made = [dialogue_of([described(3.0, f"v{i}")], HERE, config) for i in range(MANY)]
    unasked = sum(each.questions[0].asked_by == "start" for each in made)
    assert within(unasked, 0.2)


def test_unasked_there_is_one_question_and_every_event_has_its_report() -> None:
    made = dialogue_of([described(7.5), described(3.2)], HERE, event_turns.Config(proactive=1))
    assert [(q.asked_s, q.asked_by) for q in made.questions] == [(0, "start")]
    assert [(r.end_s, r.qid) for r in made.responses] == [(3.2, "q0"), (7.5, "q0")]


def test_asked_each_event_has_a_question_where_it_is_over() -> None:
    events = [described(7.5), described(3.2), described(7.9)]
    made = dialogue_of(events, HERE, event_turns.Config(proactive=0))
    assert [(q.asked_s, q.asked_by) for q in made.questions] == [
        (4, "after_event"),
        (8, "after_event"),
    ]
    assert [(r.end_s, r.qid) for r in made.responses] == [(3.2, "q0"), (7.5, "q1"), (7.9, "q1")]
    assert made.origins == ["human"]


@pytest.mark.parametrize(
    ("fields", "tasks"),
    [
        ({}, ["dense_captioning"]),
        ({"family": "action"}, ["dense_captioning", "step_recognition"]),
        ({"origin": "model"}, ["dense_captioning", "dense_captioning"]),
    ],
)
def test_families_and_origins_stay_apart(
    fields: dict[str, str], tasks: list[str], video_rows: Callable[..., Any]
) -> None:
    events = [described(3.0), described(9.0, **fields)]
    rows = video_rows({Event: events, Segment: HERE})
    made = list(event_turns.STAGE.run([rows], event_turns.Config(), Context()))
    assert [row.task for row in made if isinstance(row, Annotation)] == tasks
