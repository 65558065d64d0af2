from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.records import Annotation, Dialogue, Summary
from pipeline.workflow.stage import Context
from stages import remember
from tests.stages.stretches import narration, summaries, whole


def test_windows_remember_and_say_what_they_cannot_hold(video_rows: Any) -> None:
    config = remember.Config.model_validate({"memory": {"raw_s": 10, "middle": 2, "long": 1}})
    long = [each.model_copy(update={"level": "long"}) for each in summaries(2, 20)]
    held = [*summaries(4), *long]

    def run(of: Annotation, having: Sequence[Summary]) -> list[Any]:
        rows = video_rows({Dialogue: [whole(of)], Summary: having})
        return list(remember.STAGE.run([rows], config, Context()))

    made = run(narration(), held)
    assert [(w.sample_id, [(m.level, m.end_s) for m in w.memory]) for w in made] == [
        ("s-w0", []),
        ("s-w1", [("middle", 10)]),
        ("s-w2", [("middle", 10), ("middle", 20)]),
        ("s-w3", [("long", 20), ("middle", 30)]),
        ("s-w4", [("long", 20), ("middle", 30), ("middle", 40)]),
    ]
    assert all(w.questions and w.turns.first == 10 * n for n, w in enumerate(made))
    *windows, refused = run(narration(), held[:2])
    assert [w.sample_id for w in windows] == ["s-w0", "s-w1", "s-w2"]
    assert refused.reason == "no_memory" and "r2" in refused.detail
