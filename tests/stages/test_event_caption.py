from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.records import Annotation, CaptionedEvent, Provenance, VerifiedEvent
from pipeline.workflow.stage import Context, StageConfig
from stages import event_caption


def test_a_task_per_family_in_order_of_the_ends(
    event: Callable[..., VerifiedEvent], video_rows: Callable[..., Any], provenance: Provenance
) -> None:
    def captioned(text: str, *span: float, **fields: Any) -> CaptionedEvent:
        known = event(*span, **fields).model_dump()
        return CaptionedEvent.model_validate({**known, "text": text, "rewriting": provenance})

    events = [
        captioned("Long.", 0.0, 9.0, iou=0.75),
        captioned("Short.", 1.0, 2.0),
        captioned("Deed.", 3.0, 4.0, family="action"),
    ]
    rows = video_rows({CaptionedEvent: events})
    made = list(event_caption.STAGE.run([rows], StageConfig(), Context()))
    both = [a for a in made if isinstance(a, Annotation)]
    assert [a.task for a in both] == ["event_caption", "action_caption"]
    task = both[0]
    assert [(r.text, r.kind, r.start_s, r.respond_s) for r in task.responses] == [
        ("Short.", "event", 1.0, 2.0),
        ("Long.", "event", 0.0, 9.0),
    ]
    assert [(c.rid, c.name, c.score, c.model) for c in task.checks] == [
        ("r0", "agreement", 1.0, "m@1"),
        ("r1", "agreement", 0.75, "m@1"),
    ]
    assert task.parent_ids == ["e1.0-2.0", "e0.0-9.0"]


def test_a_missing_wording_refuses_the_video(
    event: Callable[..., VerifiedEvent], video_rows: Callable[..., Any], provenance: Provenance
) -> None:
    known = event(0.0, 2.0).model_dump()
    lost = CaptionedEvent.model_validate({**known, "text": "", "rewriting": provenance})
    rows = video_rows({CaptionedEvent: [lost]})
    (reject,) = event_caption.STAGE.run([rows], StageConfig(), Context())
    assert reject.model_dump()["reason"] == "incomplete"


def test_events_that_people_described_stay_theirs(
    event: Callable[..., VerifiedEvent], video_rows: Callable[..., Any], provenance: Provenance
) -> None:
    human: dict[str, Any] = {"provenance": None, "origin": "human"}
    events = [
        CaptionedEvent.model_validate(
            {**event(start_s, end_s, **fields).model_dump(), "text": "It.", "rewriting": provenance}
        )
        for start_s, end_s, fields in ((0.0, 1.0, human), (1.0, 2.0, human), (2.0, 3.0, {}))
    ]
    (task,) = event_caption.STAGE.run(
        [video_rows({CaptionedEvent: events})], StageConfig(), Context()
    )
    assert isinstance(task, Annotation)
    assert task.origins == ["human"]
    assert len(task.provenance) == 1 + 3 + 3, "one was found, all were grounded and worded"
    assert [check.name for check in task.checks] == ["agreement"] * 3
