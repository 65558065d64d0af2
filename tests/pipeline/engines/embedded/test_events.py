"""Events of scripted scenes against what the scripts say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

Answer = Callable[..., Any]
Shown = Any
"""A scene of the fixtures: ``frames``, ``times`` and ``truth``."""


def overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    return max(0.0, min(a[1], b[1]) - max(a[0], b[0])) / (max(a[1], b[1]) - min(a[0], b[0]))


def bare(caption: str) -> str:
    return caption.rstrip(".").removeprefix("An ").removeprefix("A ")


@pytest.mark.parametrize("focus", ["event", "action"])
def test_events_have_their_captions_and_spans(answer: Answer, scene: Shown, focus: str) -> None:
    duration_s = scene.truth.duration_s
    variables = {"focus": focus, "duration_s": duration_s, "max_events": 20}
    events = answer("Events", scene.frames, **variables)["events"]
    true = [e for e in scene.truth.events if e.family == focus]
    # What is so all the time is said only where nothing else is.
    expected = [e for e in true if (e.start_s, e.end_s) != (0, duration_s)] or true
    assert sorted(bare(e["caption"]) for e in events) == sorted(bare(e.caption) for e in expected)
    for event in events:
        span = (event["start_s"], event["end_s"])
        assert 0 <= span[0] < span[1] <= duration_s
        caption = bare(event["caption"])
        best = max(
            overlap(span, (e.start_s, e.end_s)) for e in expected if bare(e.caption) == caption
        )
        assert best >= 0.8
        variables = {"caption": event["caption"], "duration_s": duration_s}
        seen = answer("SpanSeen", scene.frames, **variables)
        assert seen["found"]
        assert overlap(span, (seen["start_s"], seen["end_s"])) >= 0.8


def test_fewer_events_are_the_longest(answer: Answer, shown: Mapping[str, Shown]) -> None:
    scene = shown["scene-03"]
    duration_s = scene.truth.duration_s
    (event,) = answer("Events", scene.frames, focus="event", duration_s=duration_s, max_events=1)[
        "events"
    ]
    assert event["caption"] == "The background is blue."


@pytest.mark.parametrize(
    "caption", ["A green circle is in view.", "A red circle moves up.", "A man cooks.", ""]
)
def test_what_is_not_there_is_not_found(
    answer: Answer, shown: Mapping[str, Shown], caption: str
) -> None:
    seen = answer("SpanSeen", shown["scene-11"].frames, caption=caption, duration_s=32)
    assert seen.pop("seen").startswith(("A ", "The picture"))
    assert seen == {"found": False, "start_s": 0, "end_s": 0}
