from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.records import CaptionedEvent, Reject, VerifiedEvent
from stages import rewrite


def test_kept_events_are_reworded(
    event: Callable[..., VerifiedEvent], video_rows: Callable[..., Any], asking: Callable[..., Any]
) -> None:
    events = [
        event(0.0, 2.0, caption="First, a ball rolls."),
        event(2.0, 4.0, caption="lost", kept=False, reason="low_iou"),
        event(4.0, 6.0, caption="silence"),
    ]
    said = {"First, a ball rolls.": {"sentence": "A ball rolls."}, "silence": {"sentence": " "}}
    context, engine = asking("rewrite", lambda ask: said[ask.variables["caption"]])
    rows = video_rows({VerifiedEvent: events})
    made = list(rewrite.STAGE.run([rows], rewrite.Config(), context))
    captioned = [e for e in made if isinstance(e, CaptionedEvent)]
    assert [(e.event_id, e.text) for e in captioned] == [
        ("e0.0-2.0", "A ball rolls."),
        ("e4.0-6.0", ""),
    ]
    assert [r.reason for r in made if isinstance(r, Reject)] == ["no_valid_answer"]
    assert all(not ask.frames for ask in engine.asks)


def test_a_video_that_keeps_nothing_is_refused(
    event: Callable[..., VerifiedEvent], video_rows: Callable[..., Any]
) -> None:
    rows = video_rows({VerifiedEvent: [event(0.0, 2.0, kept=False, reason="low_iou")]})
    (reject,) = rewrite.cases(rows, rewrite.Config())
    assert isinstance(reject, Reject)
    assert reject.reason == "low_agreement"
