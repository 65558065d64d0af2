from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from pipeline.records import Annotation, CaptionedStream, Provenance, Reject
from stages import clip_questions
from stages.clip_questions import Kind
from tests.stages.clip_streams import stream

ANSWER = {"kind": "causal_reasoning", "question": "Why did it fall?", "answer": "It was pushed."}


@pytest.fixture
def made(asking: Callable[..., Any], video_rows: Callable[..., Any]) -> Callable[..., Any]:
    def run(of: CaptionedStream, answer: Any = ANSWER) -> Any:
        context, engine = asking("clip_questions", lambda _: answer)
        rows = video_rows({CaptionedStream: [of]}, of.video_id)
        config = clip_questions.Config()
        return list(clip_questions.STAGE.run([rows], config, context)), engine

    return run


def test_each_clip_is_asked_about_from_its_caption_alone(made: Any) -> None:
    rows, engine = made(stream("s", [12, 10]))
    assert [ask.text for ask in engine.asks] == ["Thing 0 of s falls.", "Thing 1 of s falls."]
    assert not any(ask.frames for ask in engine.asks)
    assert [(r.questions[0].asked_s, r.questions[0].asked_by) for r in rows] == [
        (12, "given"),
        (22, "given"),
    ]
    spans = [(r.responses[0].start_s, r.responses[0].end_s) for r in rows]
    assert spans == [(0, 12), (12, 22)]
    assert all(r.aspect == r.questions[0].kind == "causal_reasoning" for r in rows)


def test_who_wrote_the_caption_is_named(made: Any, provenance: Provenance) -> None:
    ((row,), _) = made(stream("s", [12]))
    assert isinstance(row, Annotation)
    assert row.origins == ["human"] and [c.stage for c in row.provenance] == ["clip_questions"]
    ((row,), _) = made(stream("s", [12], provenance))
    assert row.origins == [] and [c.stage for c in row.provenance] == ["s", "clip_questions"]


def test_a_question_that_tells_its_answer_is_refused(made: Any) -> None:
    telling = {**ANSWER, "question": "Was it red?", "answer": "red"}
    ((row,), _) = made(stream("s", [12]), telling)
    assert isinstance(row, Reject) and row.reason == "tells_answer"


def test_there_are_eight_types_and_no_other(made: Any) -> None:
    assert len(get_args(Kind)) == 8
    ((row,), _) = made(stream("s", [12]), {**ANSWER, "kind": "trivia"})
    assert isinstance(row, Reject) and row.reason == "no_valid_answer"
