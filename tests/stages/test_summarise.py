from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.records import Annotation, Reject, Segment
from stages import summarise
from tests.stages.stretches import narration, turns


def test_a_stretch_is_summarised_from_what_was_said_in_it(
    asking: Callable[..., Any], video_rows: Callable[..., Any]
) -> None:
    context, engine = asking("summarise", lambda _: {"summary": "Something went on."})
    other = narration((2.0, "red")).model_copy(update={"task": "tsqa", "annotation_id": "t"})
    rows = video_rows({Segment: turns(45), Annotation: [narration(), other]})
    config = summarise.Config(raw_s=10)
    found: list[Any] = list(summarise.STAGE.run([rows], config, context))
    assert [(each.start_s, each.end_s) for each in found] == [(0, 10), (10, 20), (20, 30), (30, 40)]
    assert [each.text == config.quiet for each in found] == [False, True, True, False]
    assert [each.provenance is None for each in found] == [False, True, True, False]
    assert [ask.text.splitlines()[1:] for ask in engine.asks] == [
        ["3.0: A ball rolls.", "9.0: It stops."],
        ["31.0: A dog comes."],
    ]
    (row,) = summarise.STAGE.run([rows], summarise.Config(raw_s=60), context)
    assert isinstance(row, Reject) and row.reason == "no_stretch"
