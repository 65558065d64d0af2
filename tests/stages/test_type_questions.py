from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipeline.records import Annotation, FramedSegment, Provenance, Reject, VideoType
from stages import type_questions


@pytest.fixture
def made(
    asking: Callable[..., Any],
    video_rows: Callable[..., Any],
    framed: Callable[..., list[FramedSegment]],
    provenance: Provenance,
) -> Callable[..., Any]:
    def run(texts: Sequence[str], **config: Any) -> Any:
        context, engine = asking("type_questions", lambda _: {"questions": [*texts]})
        found = VideoType(video_id="v", kind="anticipatory_monitoring", provenance=provenance)
        rows = video_rows({VideoType: [found], FramedSegment: framed(10)})
        settings = type_questions.Config(**config)
        return list(type_questions.STAGE.run([rows], settings, context)), engine

    return run


def test_questions_of_the_type_come_without_answers(made: Any, provenance: Provenance) -> None:
    ((row,), engine) = made(["Who comes?", "What falls?"])
    assert isinstance(row, Annotation)
    assert [(q.qid, q.text, q.kind) for q in row.questions] == [
        ("q0", "Who comes?", "anticipatory_monitoring"),
        ("q1", "What falls?", "anticipatory_monitoring"),
    ]
    assert (row.task, row.aspect, row.responses) == ("trajectory", "anticipatory_monitoring", [])
    assert [call.stage for call in row.provenance] == [provenance.stage, "type_questions"]
    (ask,) = engine.asks
    assert '"anticipatory monitoring"' in ask.text and "at most 4 questions" in ask.text


def test_a_question_stands_once_and_no_more_than_were_asked_for(made: Any) -> None:
    rows, engine = made(["Who comes?", "who comes?", "What falls?", "Why?"], questions=3)
    assert engine.asks[0].answer_schema["properties"]["questions"]["maxItems"] == 3
    rejects = [row for row in rows if isinstance(row, Reject)]
    assert [row.reason for row in rejects] == ["duplicate_question"]
    (row,) = (row for row in rows if isinstance(row, Annotation))
    assert [q.text for q in row.questions] == ["Who comes?", "What falls?"]


def test_a_video_without_questions_is_refused(made: Any) -> None:
    ((row,), _) = made([])
    assert isinstance(row, Reject) and row.reason == "no_questions"
