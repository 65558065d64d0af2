"""Questions on scripted scenes, and their answers, against what the scripts say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import pytest

from pipeline.media.scenes.truth import TrueTrack, Truth

Answer = Callable[..., Any]
Shown = Any
"""A scene of the fixtures: ``frames``, ``times`` and ``truth``."""


def questions(answer: Answer, scene: Shown, **variables: Any) -> list[dict[str, Any]]:
    chosen = {"max_questions": 20, "min_gap_s": 2, "duration_s": scene.truth.duration_s}
    found: list[dict[str, Any]] = answer("Questions", scene.frames, **{**chosen, **variables})[
        "questions"
    ]
    return found


def track_of(truth: Truth, question: Mapping[str, Any]) -> TrueTrack:
    subject = question["question"].removeprefix("What colour is the ").removeprefix("Where is the ")
    subject = subject.removeprefix("What is the ").removeprefix("How many ").rstrip("?")
    subject = subject.removesuffix(" doing").removesuffix(" are in view")
    return next(t for t in truth.tracks if t.aspect == question["aspect"] and t.subject == subject)


def test_answers_are_right_at_their_times(answer: Answer, scene: Shown) -> None:
    for question in questions(answer, scene):
        values = track_of(scene.truth, question).values
        times = [given["time_s"] for given in question["answers"]]
        assert set(times) <= set(scene.times)
        assert all(b - a >= 1.9 for a, b in pairwise(times))
        for given in question["answers"]:
            now = [v.value for v in values if v.time_s <= given["time_s"]][-1]
            assert given["value"] == now, question
        assert all(a["value"] != b["value"] for a, b in pairwise(question["answers"]))


def test_every_kind_of_question_is_asked(answer: Answer, shown: Mapping[str, Shown]) -> None:
    asked = {q["aspect"] for scene in shown.values() for q in questions(answer, scene)}
    assert asked == {"attribute", "count", "scene", "position", "action"}


def test_questions_are_limited(answer: Answer, shown: Mapping[str, Shown]) -> None:
    scene = shown["scene-11"]
    every = questions(answer, scene)
    assert questions(answer, scene, max_questions=1) == every[:1]
    assert questions(answer, scene, min_gap_s=1000) == []


def test_each_answer_can_be_seen_when_it_is_due_and_not_before(
    answer: Answer, scene: Shown
) -> None:
    for question in questions(answer, scene):
        options = sorted({given["value"] for given in question["answers"]})
        variables = {"question": question["question"], "options": options}
        for number, given in enumerate(question["answers"]):
            due = scene.times.index(given["time_s"])
            few = max(0, due - 3)
            for first in (0, few):
                seen = answer("AnswerSeen", scene.frames[first : due + 1], **variables)
                assert seen["value"] == given["value"]
            if number:
                early = answer("AnswerSeen", scene.frames[:due], **variables)
                assert early["value"] != given["value"]


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What colour is the circle?", "unknown"),
        ("Where is the red circle?", "left"),
        ("What is the red circle doing?", "unknown"),
        ("Where is the purple square?", "unknown"),
        ("How many shapes are in view?", "3"),
        ("Who is winning?", "unknown"),
    ],
)
def test_answers_from_one_frame(
    answer: Answer, shown: Mapping[str, Shown], question: str, value: str
) -> None:
    options = ["left", "red", "3", "still"]
    frames = shown["scene-11"].frames[:1]
    assert answer("AnswerSeen", frames, question=question, options=options) == {"value": value}
