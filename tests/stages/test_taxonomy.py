from __future__ import annotations

from typing import Any

from pipeline.records import Annotation, Reject
from pipeline.workflow.stage import Context
from stages import taxonomy
from tests.stages.stretches import narration


def placed(video_rows: Any, *annotations: Annotation) -> list[Any]:
    rows = video_rows({Annotation: annotations})
    return list(taxonomy.STAGE.run([rows], taxonomy.Config(), Context()))


def test_when_and_how_are_read_off_the_times(video_rows: Any, tsqa: Any) -> None:
    changing = tsqa((0, "red"), (9, "blue"))
    late = changing.model_copy(
        update={
            "annotation_id": "late",
            "questions": [q.model_copy(update={"asked_s": 9.0}) for q in changing.questions],
            "responses": changing.responses[1:],
        }
    )
    found = placed(video_rows, narration(), changing, late)
    assert [each.aspect for each in found] == [
        "narration/forward/proactive",
        "fact_changing/present/proactive",
        "fact_changing/present/punctual",
    ]


def test_what_has_no_form_or_no_answer_is_refused(video_rows: Any, tsqa: Any) -> None:
    other = tsqa((0, "red")).model_copy(update={"task": "step_recognition"})
    for each in (other, tsqa()):
        (row,) = placed(video_rows, each)
        assert isinstance(row, Reject) and row.reason == "no_form"
