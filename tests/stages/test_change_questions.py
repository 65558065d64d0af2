from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, get_args

import pytest

from pipeline.engines.base import Ask
from pipeline.records import Annotation, Aspect, ChangePoint, Provenance, Reject
from stages import change_questions
from stages._change_groups import groups
from stages.change_questions import FITTING, Config, kind_of

Asked = Callable[..., tuple[list[Any], list[Ask]]]
Point = Callable[..., ChangePoint]


def echoed(ask: Ask) -> dict[str, Any]:
    """A question with an answer at every moment of the case."""
    moments = [m for m in ask.variables["moments"] if m["value"]]
    text = f"What of the {ask.variables['subject']}?"
    return {"question": text, "answers": moments, "distractors": ["never", "at no time"]}


@pytest.fixture
def asked(video_rows: Callable[..., Any], asking: Callable[..., Any]) -> Asked:
    """What becomes of change points with an engine that answers every case so."""

    def run(
        points: list[ChangePoint], reply: Callable[[Ask], Any] = echoed, **settings: Any
    ) -> tuple[list[Any], list[Ask]]:
        context, engine = asking("change_questions", reply)
        rows = video_rows({ChangePoint: points})
        config = Config(**{"kinds": {"descriptive": 1, "action": 1, "counting": 1}} | settings)
        made = list(change_questions.STAGE.run([rows], config, context))
        return made, engine.asks

    return run


def test_answers_stand_at_change_points(asked: Asked, point: Point, provenance: Provenance) -> None:
    points = [point("", "red", 0.5), point("red", "", 4), point("", "blue", 8)]
    (task,), (ask,) = asked(points)
    assert isinstance(task, Annotation)
    assert (task.task, task.aspect, task.questions[0].kind) == ("tsqa", "attribute", "descriptive")
    assert task.questions[0].asked_s == 0 and task.questions[0].options == []
    assert task.questions[0].distractors == ["never", "at no time"]
    assert [(r.text, r.respond_s, r.valid_until_s) for r in task.responses] == [
        ("red", 0.5, 4.0),
        ("blue", 8.0, None),
    ]
    assert [call.stage for call in task.provenance] == [provenance.stage, "change_questions"]
    assert not ask.frames and "0.5: red\n4.0: (not in view)\n8.0: blue" in ask.text


def test_what_holds_from_the_start_is_an_answer(asked: Asked, point: Point) -> None:
    (task,), (ask,) = asked([point("red", "blue", 5)])
    assert [(r.text, r.respond_s) for r in task.responses] == [("red", 0.0), ("blue", 5.0)]
    times = ask.answer_schema["properties"]["answers"]["items"]["properties"]["time_s"]["enum"]
    assert times == [0.0, 5.0]


def test_a_binary_question_offers_yes_and_no_where_that_is_the_language(
    asked: Asked, point: Point
) -> None:
    def value(**settings: Any) -> Any:
        _, (ask,) = asked([point("red", "blue", 5)], **settings)
        return ask.answer_schema["properties"]["answers"]["items"]["properties"]["value"]

    assert value(kinds={"binary": 1})["enum"] == ["yes", "no"]
    assert "enum" not in value(kinds={"binary": 1}, language="de")
    assert "enum" not in value(kinds={"state": 1})


def test_times_where_nothing_is_in_view_are_not_offered(asked: Asked, point: Point) -> None:
    _, (ask,) = asked([point("red", "", 3), point("", "blue", 6.128)])
    times = ask.answer_schema["properties"]["answers"]["items"]["properties"]["time_s"]["enum"]
    assert times == [0.0, 6.13]
    (task,), _ = asked([point("red", "", 3), point("", "blue", 6.128)])
    assert [r.respond_s for r in task.responses] == [0.0, 6.128], "exact, not as printed"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([], "no_answers"),
        ([(0, "red"), (4.9, "blue")], "other_time"),
        ([(0, "red"), (3, "away")], "other_time"),
        ([(0, "red"), (7, "Unknown.")], "unknown_answer"),
    ],
)
def test_a_question_without_right_answers_is_refused(
    asked: Asked, point: Point, answers: list[tuple[float, str]], reason: str
) -> None:
    given = [{"time_s": time_s, "value": value} for time_s, value in answers]
    reply = {"question": "Which?", "answers": given, "distractors": []}
    points = [point("red", "", 3), point("", "blue", 7)]
    (reject,), _ = asked(points, lambda ask: reply)
    assert reject.reason == reason


def test_distractors_never_hold_and_differ(asked: Asked, point: Point) -> None:
    def reply(ask: Ask) -> Mapping[str, Any]:
        return {**echoed(ask), "distractors": ["Red.", "pink", "PINK", "unknown"]}

    made, _ = asked([point("red", "blue", 5)], reply, distractors=4)
    assert [(r.reason, r.detail) for r in made if isinstance(r, Reject)] == [
        ("distractor_holds", "Red."),
        ("duplicate_distractor", "PINK"),
        ("distractor_holds", "unknown"),
    ]
    (task,) = [row for row in made if isinstance(row, Annotation)]
    assert task.questions[0].distractors == ["pink"]


def test_no_distractor_is_what_held_when_nothing_was_answered(asked: Asked, point: Point) -> None:
    def reply(ask: Ask) -> Mapping[str, Any]:
        answers = [{"time_s": 0.0, "value": "warm"}, {"time_s": 5.0, "value": "cold"}]
        return {"question": "How?", "answers": answers, "distractors": ["blue", "wet"]}

    made, _ = asked([point("red", "blue", 5)], reply)
    assert [row.detail for row in made if isinstance(row, Reject)] == ["blue"]


def test_what_cannot_be_asked_about_is_not(asked: Asked, point: Point) -> None:
    made, asks = asked(
        [
            point("", "red", 3),
            point("", "red", 6),
            point("red", "blue", 2, subject="kite"),
            point("blue", "red", 4, subject="kite"),
            point("left", "right", 5, aspect="position"),
            point("left", "right", 5, aspect="position", subject="cup"),
            point("1", "2", 5, aspect="count", subject="cups"),
            point("a", "b", 5, aspect="scene", subject="room"),
        ],
        max_questions=2,
        min_gap_s=3,
        kinds={"descriptive": 1},
    )
    assert [(r.reason, r.detail.split(":")[0]) for r in made if isinstance(r, Reject)] == [
        ("gap_too_small", "attribute of kite"),
        ("no_kind", "count of cups"),
        ("same_value", "attribute of ball"),
        ("too_many_questions", "position of cup beyond 2"),
    ]
    assert [ask.variables["subject"] for ask in asks] == ["ball", "room"]


def test_a_binary_question_has_no_distractors(asked: Asked, point: Point) -> None:
    (task,), (ask,) = asked([point("red", "blue", 5)], kinds={"binary": 1})
    assert ask.variables["distractors"] == 0
    assert (task.questions[0].kind, task.questions[0].distractors) == ("binary", [])


def test_kinds_are_drawn_by_their_weights(point: Point) -> None:
    drawn = Counter(
        kind_of(group, f"v{i}", Config(seed=1))
        for i in range(1000)
        for group in groups([point("red", "blue", 5)])
    )
    assert set(drawn) == {"descriptive", "state", "binary"}
    assert all(abs(drawn[kind] / 1000 - 0.4) < 0.05 for kind in ("descriptive", "state"))
    assert {kind for kinds in FITTING.values() for kind in kinds} == set(
        get_args(change_questions.Kind)
    )
    assert set(FITTING) == set(get_args(Aspect))
