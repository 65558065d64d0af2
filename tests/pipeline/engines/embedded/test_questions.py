"""Change points and questions on scripted scenes, and their answers, against what scripts say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, get_args

import pytest

from pipeline.media.scenes.truth import GONE, TrueTrack, Truth
from pipeline.records import Aspect, ChangePoint
from stages._change_groups import Group, groups
from stages.change_questions import FITTING

Answer = Callable[..., Any]
Shown = Any
"""A scene of the fixtures: ``frames``, ``times`` and ``truth``."""


def points(answer: Answer, scene: Shown, max_points: int = 100) -> list[ChangePoint]:
    variables = {"max_points": max_points, "duration_s": scene.truth.duration_s}
    found = answer("ChangePoints", scene.frames, **variables)["points"]
    return [ChangePoint(**point) for point in found]


def track_of(truth: Truth, group: Group) -> TrueTrack:
    named = (t for t in truth.tracks if (t.aspect, t.subject) == (group.aspect, group.subject))
    return next(named)


def holds(track: TrueTrack, time_s: float) -> str:
    value = [v.value for v in track.values if v.time_s <= time_s][-1]
    return "" if value == GONE else value


def questions(answer: Answer, scene: Shown) -> Iterator[tuple[Group, str, dict[str, Any]]]:
    """Every kind of question over everything that changes, and changes slowly."""
    for group in groups(points(answer, scene)):
        if group.changes() and group.well_spaced(2):
            for kind in FITTING[group.aspect]:
                yield group, kind, asked(answer, group, kind)


def asked(answer: Answer, group: Group, kind: str, **variables: Any) -> dict[str, Any]:
    moments = [{"time_s": m.time_s, "value": m.value} for m in group.moments]
    known = {"kind": kind, "aspect": group.aspect, "subject": group.subject, "moments": moments}
    found: dict[str, Any] = answer(
        "ChangeQuestion", **{**known, "min_gap_s": 2, "distractors": 3, **variables}
    )
    return found


def test_what_holds_before_and_after_a_change_point_is_true(answer: Answer, scene: Shown) -> None:
    for group in groups(points(answer, scene)):
        track = track_of(scene.truth, group)
        for point in group.points:
            at = scene.times.index(point.time_s)
            assert point.after == holds(track, point.time_s), point
            # What a thing does is seen of two frames.
            assert point.before in ("", holds(track, scene.times[at - 1])), point
            assert point.seen
        for one, next_one in pairwise(group.points):
            assert next_one.before == one.after


def test_change_points_are_limited_to_whole_subjects(
    answer: Answer, shown: Mapping[str, Shown]
) -> None:
    every = groups(points(answer, shown["scene-11"]))
    some = groups(points(answer, shown["scene-11"], max_points=8))
    assert 0 < len(some) < len(every)
    assert all(group in every for group in some)
    assert points(answer, shown["scene-11"], max_points=0) == []


def test_answers_are_right_at_their_times(answer: Answer, scene: Shown) -> None:
    for group, kind, question in questions(answer, scene):
        track = track_of(scene.truth, group)
        given = [(a["time_s"], a["value"]) for a in question["answers"]]
        assert {time_s for time_s, _ in given} <= {m.time_s for m in group.moments}
        assert all(b[0] - a[0] >= 1.9 and a[1] != b[1] for a, b in pairwise(given))
        assert len({value for _, value in given}) > 1
        for time_s, value in given:
            if kind == "binary":
                claim = question["question"].removesuffix("?").split()[-1]
                assert (value == "yes") == (holds(track, time_s) == claim), question
            else:
                assert value == holds(track, time_s), question


def test_distractors_never_hold(answer: Answer, scene: Shown) -> None:
    for group, kind, question in questions(answer, scene):
        values = {value.value for value in track_of(scene.truth, group).values}
        assert not values & set(question["distractors"])
        assert len(set(question["distractors"])) == len(question["distractors"]) <= 3
        assert question["distractors"] or group.aspect in ("action", "position"), kind


def test_every_aspect_and_kind_is_asked_for(answer: Answer, shown: Mapping[str, Shown]) -> None:
    found = [(g.aspect, kind) for s in shown.values() for g, kind, _ in questions(answer, s)]
    assert {aspect for aspect, _ in found} == set(get_args(Aspect))
    assert set(found) == {(aspect, kind) for aspect in FITTING for kind in FITTING[aspect]}


def test_what_changes_too_fast_is_not_answered(answer: Answer, shown: Mapping[str, Shown]) -> None:
    group = next(g for g in groups(points(answer, shown["scene-11"])) if g.changes())
    kind = FITTING[group.aspect][0]
    assert asked(answer, group, kind, min_gap_s=1000)["answers"] == []
    assert asked(answer, group, kind, distractors=0)["distractors"] == []


def test_each_answer_can_be_seen_when_it_is_due_and_not_before(
    answer: Answer, scene: Shown
) -> None:
    for _, _, question in questions(answer, scene):
        options = sorted({given["value"] for given in question["answers"]})
        options += question["distractors"]
        variables = {"question": question["question"], "options": options}
        for number, given in enumerate(question["answers"]):
            due = scene.times.index(given["time_s"])
            few = max(0, due - 3)
            for first in (0, few):
                seen = answer("AnswerSeen", scene.frames[first : due + 1], **variables)
                assert seen["value"] == given["value"], question
            if number:
                early = answer("AnswerSeen", scene.frames[:due], **variables)
                assert early["value"] != given["value"], question


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("What colour is the circle?", "unknown"),
        ("Where is the red circle?", "left"),
        ("Is the red circle on the left?", "yes"),
        ("Is the red circle in the middle?", "no"),
        ("Is the red circle red?", "yes"),
        ("What is the red circle doing?", "unknown"),
        ("Is the red circle moving?", "unknown"),
        ("Where is the purple square?", "unknown"),
        ("Is the purple square red?", "unknown"),
        ("How many shapes are in view?", "3"),
        ("Is the number of shapes in view 3?", "yes"),
        ("Who is winning?", "unknown"),
    ],
)
def test_answers_from_one_frame(
    answer: Answer, shown: Mapping[str, Shown], question: str, value: str
) -> None:
    options = ["left", "red", "3", "still", "yes", "no"]
    frames = shown["scene-11"].frames[:1]
    answered = answer("AnswerSeen", frames, question=question, options=options)
    assert answered["value"] == value and answered["seen"]
