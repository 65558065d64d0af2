from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest

from pipeline.engines.base import Ask
from pipeline.records import Event, FramedSegment, Reject
from stages import caption

EVENTS = caption.Config(families=("event",))


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
    context, engine = asking("caption", lambda ask: {"events": said})
    config = caption.Config(families=(family,), max_frames=4, policy="event")
    made = list(caption.STAGE.run([video_rows({FramedSegment: framed(10)})], config, context))
    events = [e for e in made if isinstance(e, Event)]
    assert [(e.start_s, e.end_s, e.family) for e in events] == [
        (0.0, 2.0, family),
        (6.0, 10.0, family),
    ]
    assert len({e.event_id for e in events}) == 2
    reasons = [r.reason for r in made if not isinstance(r, Event)]  # type: ignore[attr-defined]
    assert sorted(reasons) == ["bad_span"] * 3 + ["duplicate_event"]
    (ask,) = engine.asks
    assert [f.time_s for f in ask.frames] == [0, 3, 6, 9]
    assert ask.variables["focus"] == family
    assert f"each {family}" in ask.text


def test_one_impossible_span_refuses_all_events_of_its_video(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    context, _ = asking("caption", lambda ask: {"events": [seen(0, 2), seen(9, 4)]})
    rows = video_rows({FramedSegment: framed(10)})
    made: list[Any] = list(caption.STAGE.run([rows], EVENTS, context))
    assert [row.reason for row in made] == ["other_event_failed", "bad_span"]


def test_what_happens_again_is_another_event(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    said = [seen(0, 2) | {"caption": c} for c in ("A dog barks.", "a dog  barks", "A cat sits.")]
    said.append(seen(5, 7) | {"caption": "A dog barks."})
    context, _ = asking("caption", lambda ask: {"events": said})
    rows = video_rows({FramedSegment: framed(10)})
    made = list(caption.STAGE.run([rows], EVENTS, context))
    assert [(e.start_s, e.caption) for e in made if isinstance(e, Event)] == [
        (0, "A cat sits."),
        (0, "A dog barks."),
        (5, "A dog barks."),
    ]


def test_a_video_without_events_is_refused(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    context, _ = asking("caption", lambda ask: {"events": []})
    rows = video_rows({FramedSegment: framed(3)})
    (reject,) = caption.STAGE.run([rows], EVENTS, context)
    assert reject.model_dump()["reason"] == "no_events"


@pytest.mark.parametrize(
    ("policy", "kept", "reasons"),
    [
        ("event", [0, 1], ["too_many_events"]),
        ("video", [], ["other_event_failed", "other_event_failed", "too_many_events"]),
    ],
)
def test_an_event_more_than_asked_for_is_one_too_many(
    *,
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
    policy: str,
    kept: list[float],
    reasons: list[str],
) -> None:
    said = {"events": [seen(2, 3), seen(0, 1), seen(1, 2)]}
    context, engine = asking("caption", lambda ask: said)
    config = caption.Config.model_validate(
        {**EVENTS.model_dump(), "max_events": 2, "policy": policy}
    )
    rows = list(caption.STAGE.run([video_rows({FramedSegment: framed(4)})], config, context))
    assert engine.asks[0].answer_schema["properties"]["events"]["maxItems"] == 3
    assert [e.start_s for e in rows if isinstance(e, Event)] == kept
    assert [r.reason for r in rows if isinstance(r, Reject)] == reasons


def test_events_and_actions_are_asked_side_by_side_over_one_prefix(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    """All that an engine computes of a video is the same for both asks, but for the last line."""

    def said(ask: Ask) -> Any:
        start_s = 1 if ask.variables["focus"] == "event" else 4
        return {"events": [seen(start_s, start_s + 2)]}

    context, engine = asking("caption", said)
    videos = [replace(video_rows({FramedSegment: framed(8)}), video_id=n) for n in ("a", "b")]
    made = list(caption.STAGE.run(videos, caption.Config(), context))
    assert [(ask.video_id, ask.variables["focus"]) for ask in engine.asks] == [
        *(("a", "event"), ("a", "action"), ("b", "event"), ("b", "action"))
    ]
    events, actions = engine.asks[:2]
    assert (events.system, events.frames) == (actions.system, actions.frames)
    assert events.system and events.text != actions.text
    found = [(e.video_id, e.family, e.start_s) for e in made if isinstance(e, Event)]
    assert found == [(n, *e) for n in ("a", "b") for e in (("event", 1), ("action", 4))]
    assert len({e.event_id for e in made if isinstance(e, Event)}) == 4


def test_a_family_is_listed_once() -> None:
    with pytest.raises(ValueError, match="a family stands twice"):
        caption.Config(families=("event", "event"))
