from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import pytest

from pipeline.records import Event, FramedSegment
from stages import caption


def seen(start_s: float, end_s: float) -> dict[str, Any]:
    return {"start_s": start_s, "end_s": end_s, "caption": f"from {start_s}"}


@pytest.mark.parametrize("family", ["event", "action"])
def test_events_are_clipped_and_sorted(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
    family: Literal["event", "action"],
) -> None:
    said = [seen(6, 10.5), seen(-0.5, 2), seen(3, 3), seen(4, 2), seen(0, 99), seen(6, 10.5)]
    context, engine = asking(f"caption_{family}s", lambda ask: {"events": said})
    config = caption.Config(family=family, prompt=f"caption_{family}s", max_frames=4)
    made = list(caption.STAGE.run([video_rows({FramedSegment: framed(10)})], config, context))
    events = [e for e in made if isinstance(e, Event)]
    assert [(e.start_s, e.end_s, e.family) for e in events] == [
        (0.0, 2.0, family),
        (6.0, 10.0, family),
        (6.0, 10.0, family),
    ]
    assert len({e.event_id for e in events}) == 3
    assert [r.reason for r in made if not isinstance(r, Event)] == ["bad_span"] * 3  # type: ignore[attr-defined]
    (ask,) = engine.asks
    assert [f.time_s for f in ask.frames] == [0, 3, 6, 9]
    assert ask.variables["focus"] == family
    assert f"each {family}" in ask.text


def test_a_video_without_events_is_refused(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    context, _ = asking("caption_events", lambda ask: {"events": []})
    rows = video_rows({FramedSegment: framed(3)})
    (reject,) = caption.STAGE.run([rows], caption.Config(), context)
    assert reject.model_dump()["reason"] == "no_events"
