from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.records import Provenance, Reject, TypeDraw, VideoType
from pipeline.records.hash_sampling import hash_rank
from pipeline.workflow.stage import Context
from stages import apply_types


def test_who_was_not_drawn_is_absent_and_says_how_many_were(
    video_rows: Callable[..., Any], provenance: Provenance
) -> None:
    kind = VideoType(kind="memory_dependent", provenance=provenance)
    names = sorted(("a", "b", "c"), key=lambda name: hash_rank(name, 3))
    ranks = [hash_rank(name, 3) for name in names]
    draw = TypeDraw(kind=kind.kind, videos=3, drawn=2, last_rank=ranks[1], seed=3)
    videos = [
        video_rows({VideoType: [kind.model_copy(update={"video_id": name})]}, name)
        for name in names
    ]
    context = Context(dataset={TypeDraw: [draw]})
    rows = list(apply_types.STAGE.run(videos, apply_types.STAGE.config(), context))
    assert [type(row) for row in rows] == [VideoType, VideoType, Reject]
    assert isinstance(rows[2], Reject) and rows[2].reason == "not_drawn"
    assert rows[2].detail == "2 of 3 videos of memory_dependent were drawn"
    assert apply_types.STAGE.absences == {"not_drawn"}
