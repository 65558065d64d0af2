from __future__ import annotations

from typing import Any

from pipeline.records import Annotation, Reject, Summary
from pipeline.workflow.stage import Context
from stages import memory_turns
from tests.stages.stretches import narration, summaries, whole


def test_the_assistant_sums_up_a_stretch_behind_its_details(video_rows: Any) -> None:
    rows = video_rows({Annotation: [narration()], Summary: summaries(4)})
    (found,) = memory_turns.STAGE.run([rows], memory_turns.Config(), Context())
    assert isinstance(found, Annotation)
    said = [(at, turn.text) for at, turn in whole(found).turns.said.items()]
    assert said == [
        (3, "[3.0 seconds] A ball rolls."),
        (9, "[9.0 seconds] It stops."),
        (10, "[0.0 - 10.0 seconds] Thing 0 went on."),
        (20, "[10.0 - 20.0 seconds] Thing 1 went on."),
        (30, "[20.0 - 30.0 seconds] Thing 2 went on."),
        (31, "[31.0 seconds] A dog comes."),
        (40, "[30.0 - 40.0 seconds] Thing 3 went on."),
    ]
    nothing = video_rows({Annotation: [], Summary: summaries(4)})
    (row,) = memory_turns.STAGE.run([nothing], memory_turns.Config(), Context())
    assert isinstance(row, Reject) and row.reason == "nothing_summarised"
