from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.records import Summary
from stages import merge_summaries
from tests.stages.stretches import summaries


def merged(count: int, middle: int, asking: Any, video_rows: Any, left: int = -1) -> Sequence[Any]:
    context, _ = asking("merge_summaries", lambda ask: {"summary": f"All of: {ask.text[-40:]}"})
    held = [each for n, each in enumerate(summaries(count)) if n != left]
    rows = video_rows({Summary: held})
    return list(merge_summaries.STAGE.run([rows], merge_summaries.Config(middle=middle), context))


def test_full_numbers_of_summaries_are_merged(asking: Any, video_rows: Any) -> None:
    found = merged(7, 3, asking, video_rows)
    assert [(each.level, each.start_s, each.end_s) for each in found] == [
        ("long", 0, 30),
        ("long", 30, 60),
    ]
    assert "Thing 2 went on." in found[0].text
    (row,) = merged(2, 3, asking, video_rows)
    assert row.reason == "too_few_summaries"
    first, second = merged(7, 3, asking, video_rows, left=1)
    assert first.reason == "missing_summary" and second.start_s == 30
