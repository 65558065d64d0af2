from __future__ import annotations

from typing import Any

import pytest

from pipeline.records import Provenance, Segment, Summary
from stages import memory_questions
from tests.stages.stretches import summaries, turns

ABOUT = {"question": "What went on first?", "answer": "thing 0", "distractors": ["thing 9"]}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ABOUT, None),
        ({**ABOUT, "question": "When did thing 0 go on?"}, "tells_answer"),
        ({**ABOUT, "distractors": ["Thing 0"]}, "no_distractors"),
    ],
)
def test_a_question_about_the_past_rests_on_its_summary(
    asking: Any, video_rows: Any, answer: Any, reason: str | None, provenance: Provenance
) -> None:
    context, engine = asking("memory_questions", lambda _: answer)
    written = [each.model_copy(update={"provenance": provenance}) for each in summaries(3)]
    rows = video_rows({Segment: turns(35), Summary: written})
    config = memory_questions.Config.model_validate({"every": 1, "memory": {"raw_s": 10}})
    found: list[Any] = list(memory_questions.STAGE.run([rows], config, context))
    assert len(found) == len(engine.asks) == 3
    for number, row in enumerate(found, 1):
        if reason is not None:
            assert row.reason == reason
            continue
        (question,), (response,) = row.questions, row.responses
        assert 10 * number <= question.asked_s < 10 * (number + 1)
        assert response.from_memory and response.end_s <= 10 * number
        assert row.aspect == "answer_invariant/backward/contextual"
