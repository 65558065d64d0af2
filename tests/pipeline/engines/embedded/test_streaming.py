"""Types, questions, relevance and answers up to now on scripted scenes, against their scripts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import pytest

from pipeline.engines.embedded.streaming import FORMS, OF_KIND
from pipeline.media.scenes.catalogue import SCENES
from pipeline.media.scenes.script import Actor, Scene
from pipeline.records import VideoKind
from stages._trajectory import pieces

Answer = Callable[..., Any]
Shown = Any
"""A scene of the fixtures: ``frames``, ``times`` and ``truth``."""


@dataclass(frozen=True)
class Turn:
    frame_s: float
    frame: Any


def actor_of(scene: Scene, name: str, time_s: float) -> Actor | None:
    """What a question calls so, by the script; a shape alone may have any colour."""
    *colours, shape = name.split()
    found = [
        actor
        for actor in scene.actors
        if actor.shape == shape
        and actor.in_view(time_s)
        and actor.colour(0) in (colours or [actor.colour(0)])
    ]
    return found[0] if len(found) == 1 else None


def is_relevant(scene: Scene, question: str, times: Sequence[float]) -> bool:
    """By the script: the subject is in view at some of the times; moves from the first to the
    last, where the question asks which way it does."""
    (subject,) = re.findall(r"(background|(?:\w+ )?(?:circle|square|triangle))", question)
    name = subject.removeprefix("the ")
    if name == "background":
        return True
    actors = [actor for time_s in times if (actor := actor_of(scene, name, time_s))]
    if "Which way" not in question:
        return bool(actors)
    places = {actor.place(time_s) for time_s in times for actor in actors[:1]}
    return len(actors) == len(times) > 1 and len(places) > 1


def matrix(answer: Answer, scene: Shown, kind: str) -> Iterator[tuple[bool, bool]]:
    """What the engine says of each piece and question, and what is true."""
    script = next(each for each in SCENES if each.name == scene.truth.video_id)
    questions = answer("TypeQuestions", scene.frames, kind=kind, questions=8)["questions"]
    video: Any = [Turn(frame.time_s, frame) for frame in scene.frames]
    for piece in pieces(video, 2):
        turns: Any = piece.turns
        found = answer("PieceJudged", [turn.frame for turn in turns], questions=questions)
        for number, question in enumerate(questions, 1):
            times = [turn.frame_s for turn in turns]
            yield number in found["relevant"], is_relevant(script, question, times)


def precision_and_recall(cells: Sequence[tuple[bool, bool]]) -> tuple[float, float]:
    both = sum(said and true for said, true in cells)
    return both / max(1, sum(said for said, _ in cells)), both / max(1, sum(t for _, t in cells))


@pytest.mark.parametrize("kind", get_args(VideoKind))
def test_relevance_is_what_the_script_says(
    answer: Answer, shown: Mapping[str, Shown], kind: str
) -> None:
    cells = [cell for scene in shown.values() for cell in matrix(answer, scene, kind)]
    assert {true for _, true in cells} == {True, False}
    precision, recall = precision_and_recall(cells)
    assert precision >= 0.95 and recall >= 0.95, (kind, precision, recall, len(cells))
    # One that calls everything relevant, or half of it irrelevant, would be noticed.
    lazy, wrong = precision_and_recall([(True, true) for _, true in cells])
    assert lazy < 0.95 and wrong == 1
    assert precision_and_recall([(s and i % 2 > 0, t) for i, (s, t) in enumerate(cells)])[1] < 0.95


def test_every_form_belongs_to_a_type_and_every_type_has_questions(
    answer: Answer, scene: Shown
) -> None:
    assert {name for names in OF_KIND.values() for name in names} == FORMS.keys()
    assert OF_KIND.keys() == {*get_args(VideoKind)}
    assert answer("TypeSeen", scene.frames)["kind"] in OF_KIND
    for kind in OF_KIND:
        found = answer("TypeQuestions", scene.frames, kind=kind, questions=3)["questions"]
        assert 0 < len(found) <= 3 and len(set(found)) == len(found)


def test_answers_follow_the_script_as_it_goes_on(
    answer: Answer, shown: Mapping[str, Shown]
) -> None:
    scene = shown["scene-01"]

    def at(time_s: float, question: str) -> str:
        frames = [frame for frame in scene.frames if frame.time_s <= time_s]
        return str(answer("AnswerNow", frames, question=question)["answer"])

    assert at(5, "Which colour does the circle have now?") == "red"
    assert at(9, "Which colour does the circle have now?") == "blue"
    assert at(9, "Which colour did the circle have at first?") == "red"
    assert [at(t, "How many colours has the circle had so far?") for t in (5, 9)] == ["1", "2"]
    arrival = "As soon as the square is in view: where is it?"
    assert [at(t, arrival) for t in (12, 13)] == ["unknown", "right"]
    assert at(5, "Which way does the circle move?") == "unknown"
    assert at(5, "Who is winning?") == "unknown"


def test_questions_of_other_recipes_are_judged_too(
    answer: Answer, shown: Mapping[str, Shown]
) -> None:
    frames = shown["scene-01"].frames
    asked = ["Where is the square?", "What colour is the circle?", "Who is winning?"]
    found = [answer("PieceJudged", frames[i : i + 2], questions=asked) for i in (4, 14)]
    assert [each["relevant"] for each in found] == [[2], [1, 2]]
