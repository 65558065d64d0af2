"""The questions of a dialogue, what is expected, and to which of them an answer belongs."""

from __future__ import annotations

import pytest
from hypothesis import given

from pipeline.records import Dialogue, Question, Response
from pipeline.scoring.item import Item
from pipeline.scoring.items import (
    PredictedResponse,
    Prediction,
    items_of,
    prediction_of,
    problem_of,
)
from tests.pipeline.corpus.formats.samples import dialogue_of, dialogues


def question(qid: str, asked_s: float) -> Question:
    return Question(qid=qid, text=f"{qid}?", asked_s=asked_s)


def instant(rid: str, qid: str, time_s: float, until_s: float | None = None) -> Response:
    made = Response.instant(rid, rid, time_s, valid_until_s=until_s)
    return made.model_copy(update={"qid": qid})


TWO = dialogue_of(
    20,
    1,
    [question("q0", 0), question("q1", 10)],
    [instant("r0", "q0", 4, 8.0), instant("r1", "q1", 15)],
)


def predicted(*responses: PredictedResponse, sample_id: str = TWO.sample_id) -> Prediction:
    return Prediction(sample_id=sample_id, responses=responses)


def said(time_s: float, text: str = "x", qid: str = "") -> PredictedResponse:
    return PredictedResponse(time_s=time_s, text=text, qid=qid)


def spoken(items: list[Item]) -> list[list[float]]:
    return [[one.time_s for one in item.said] for item in items]


def test_a_question_lasts_to_the_next_and_has_its_own_answers() -> None:
    first, second = items_of(TWO, None)
    assert (first.asked_s, first.end_s, second.asked_s, second.end_s) == (0, 10, 10, 20)
    assert [(e.text, e.due_s, e.until_s) for e in first.expected] == [("r0", 4, 8)]
    assert [(e.text, e.due_s, e.until_s) for e in second.expected] == [("r1", 15, None)]
    assert len(first.states) == len(first.starts) == 10


def test_a_question_lasts_to_its_last_answer_if_that_comes_behind_the_next() -> None:
    late = dialogue_of(
        20,
        1,
        [question("q0", 0), question("q1", 10)],
        [instant("r0", "q0", 12), instant("r1", "q1", 15)],
    )
    first, second = items_of(late, predicted(said(12, qid="q0"), said(15)))
    assert (first.end_s, second.end_s) == (20, 20)
    assert spoken([first, second]) == [[12], [15]]


def test_an_answer_belongs_to_the_question_it_names_or_the_last_asked_in_its_turn() -> None:
    assert spoken(list(items_of(TWO, predicted(said(9.7), said(10.2), said(3.5))))) == [
        [3, 9],
        [10],
    ]
    assert spoken(list(items_of(TWO, predicted(said(12, qid="q0"))))) == [[12], []]


def test_what_is_said_before_all_questions_is_an_alarm_of_the_first() -> None:
    late = dialogue_of(20, 1, [question("q0", 6)], [instant("r0", "q0", 8)])
    (item,) = items_of(late, predicted(said(2)))
    assert (item.asked_s, spoken([item])) == (6, [[2]])


def test_direction_is_where_the_evidence_lies() -> None:
    def of(asked_s: float, *responses: Response) -> str:
        made = dialogue_of(20, 1, [question("q0", asked_s)], list(responses))
        return next(items_of(made, None)).direction

    assert of(0, instant("r", "q0", 5)) == "forward"
    assert of(8, instant("r", "q0", 5)) == "present", "it still holds"
    assert of(8, instant("r", "q0", 5, 7.0)) == "backward"
    assert of(8, Response.event("r", "r", 2, 5)) == "backward"
    assert of(4, Response.event("r", "r", 2, 6)) == "present"
    assert of(0, Response.event("r", "r", 2, 6)) == "forward"


def test_a_span_is_the_standby_that_led_to_it_or_what_the_prediction_says() -> None:
    made = dialogue_of(10, 1, [question("q0", 0)], [Response.event("r", "r", 2.4, 6)])
    states = tuple(turn.state for turn in made.turns)
    shown = Prediction(sample_id=made.sample_id, states=states, responses=(said(6),))
    (item,) = items_of(made, shown)
    assert item.expected[0].span == item.said[0].span == (3, 6)
    own = PredictedResponse(time_s=6, text="r", start_s=2.5, end_s=6.5)
    (item,) = items_of(made, predicted(own, sample_id=made.sample_id))
    assert item.said[0].span == (2.5, 6.5)
    (item,) = items_of(made, predicted(said(6), sample_id=made.sample_id))
    assert item.said[0].span == (6, 6), "no standby is known"


@pytest.mark.parametrize(
    ("prediction", "problem"),
    [
        (predicted(said(20.5)), "20.5 s is not between 0 and 20 s"),
        (predicted(said(1, qid="q9")), "no question 'q9', but q0, q1"),
        (Prediction(sample_id="v-a", states=("silence",)), "1 states for 20 turns"),
        (predicted(said(19.9)), ""),
    ],
)
def test_what_cannot_be_of_a_dialogue_is_said(prediction: Prediction, problem: str) -> None:
    assert problem_of(prediction, TWO) == problem


@given(dialogues())
def test_a_dialogue_says_what_it_expects(dialogue: Dialogue) -> None:
    prediction = prediction_of(dialogue)
    assert problem_of(prediction, dialogue) == ""
    for item in items_of(dialogue, prediction):
        assert [(e.due_s, e.text) for e in item.expected] == [(s.time_s, s.text) for s in item.said]
        assert [e.span for e in item.expected] == [s.span for s in item.said]
        assert item.states == item.said_states
        assert len(item.states) == len(item.starts) > 0
