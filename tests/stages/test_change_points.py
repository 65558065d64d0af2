from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Annotation, FramedSegment, Reject
from stages import change_points


@pytest.fixture
def asked(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> Callable[..., list[Any]]:
    """What becomes of these questions on a video of ten seconds."""

    def run(*questions: dict[str, Any], **settings: Any) -> list[Any]:
        context, engine = asking("change_points", lambda ask: {"questions": list(questions)})
        rows = video_rows({FramedSegment: framed(10)})
        made = list(change_points.STAGE.run([rows], change_points.Config(**settings), context))
        assert len(engine.asks[0].frames) == 10
        return made

    return run


def colour(*answers: tuple[float, str], question: str = "Which colour?") -> dict[str, Any]:
    listed = [{"value": value, "time_s": time_s} for time_s, value in answers]
    return {"aspect": "attribute", "question": question, "answers": listed}


def test_an_answer_stands_at_the_first_frame_that_shows_it(
    asked: Callable[..., list[Any]],
) -> None:
    (task,) = asked(colour((6.4, "blue"), (0, "red"), (3.004, "green")))
    assert isinstance(task, Annotation)
    assert (task.task, task.aspect) == ("tsqa", "attribute")
    assert [(r.text, r.respond_s, r.valid_until_s) for r in task.responses] == [
        ("red", 0.0, 3.0),
        ("green", 3.0, 7.0),
        ("blue", 7.0, None),
    ]
    assert task.questions[0].asked_s == 0


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (colour(), "no_answers"),
        (colour((0, "red"), (9.5, "blue")), "outside_video"),
        (colour((-1, "red"), (5, "blue")), "outside_video"),
        (colour((0, "Unknown."), (5, "blue")), "unknown_answer"),
    ],
)
def test_a_question_that_cannot_be_placed_is_refused(
    asked: Callable[..., list[Any]], question: dict[str, Any], reason: str
) -> None:
    (reject,) = asked(question)
    assert reject.reason == reason


def test_questions_are_few_and_differ(asked: Callable[..., list[Any]]) -> None:
    good = [colour((0, "a"), (5, "b"), question=q) for q in ("One?", "one?", "Two?", "Three?")]
    made = asked(*good, max_questions=3)
    assert [r.reason if isinstance(r, Reject) else r.task for r in made] == [
        "tsqa",
        "duplicate_question",
        "tsqa",
        "too_many_questions",
    ]


def test_a_video_without_changes_is_refused(asked: Callable[..., list[Any]]) -> None:
    (reject,) = asked()
    assert reject.reason == "no_change_points"
