from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pipeline.records import Event, FramedSegment, GroundedEvent, Reject, VerifiedEvent
from stages import ground

SEEN = {"seen": "A ball rolls."}


@pytest.mark.parametrize(
    ("said", "span", "reasons"),
    [
        ({**SEEN, "found": True, "start_s": 2, "end_s": 5.5}, (2.0, 5.5), []),
        ({**SEEN, "found": True, "start_s": 8, "end_s": 10.6}, (8.0, 10.0), []),
        ({**SEEN, "found": False, "start_s": None, "end_s": None}, (None, None), []),
        ({**SEEN, "found": False, "start_s": 0, "end_s": 0}, (None, None), []),
        ({**SEEN, "found": False}, (None, None), []),
        ({**SEEN, "found": True, "start_s": 5, "end_s": 2}, (None, None), ["bad_span"]),
        ({**SEEN, "found": True, "start_s": 5}, (None, None), ["bad_span"]),
        ({**SEEN, "found": "?"}, (None, None), ["no_valid_answer"]),
    ],
)
def test_every_event_goes_on(
    *,
    framed: Callable[..., list[FramedSegment]],
    event: Callable[..., VerifiedEvent],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
    said: Mapping[str, Any],
    span: tuple[float | None, float | None],
    reasons: list[str],
) -> None:
    known = event(3.0, 5.0, caption="The ball rolls.")
    plain = Event.model_validate(known.model_dump(include=set(Event.model_fields)))
    context, engine = asking("ground", lambda ask: said)
    rows = video_rows({Event: [plain], FramedSegment: framed(10)})
    made = list(ground.STAGE.run([rows], ground.Config(), context))
    assert [r.reason for r in made if isinstance(r, Reject)] == reasons
    (grounded,) = [g for g in made if isinstance(g, GroundedEvent)]
    assert (grounded.start_s, grounded.end_s) == (3.0, 5.0)
    assert (grounded.grounded_start_s, grounded.grounded_end_s) == span
    assert grounded.grounding.stage == "ground"
    (ask,) = engine.asks
    assert set(ask.variables) == {"caption", "duration_s", "frame_times"}
    assert "The ball rolls." in ask.text
