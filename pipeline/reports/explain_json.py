"""An explanation as JSON data."""

from __future__ import annotations

import hashlib
from typing import Any

from pipeline.engines.base import Frame
from pipeline.reports.explain import Explanation, ShownAsk


def as_json(explanation: Explanation) -> dict[str, Any]:
    """As JSON data. A picture is its time, size and digest."""
    return {
        "sample": explanation.dialogue.model_dump(mode="json"),
        "root": explanation.root,
        "places": [vars(place) for place in explanation.places],
        "frames": [_frame(frame) for frame in explanation.frames],
        "settings": dict(explanation.settings),
        "steps": [
            {
                "node": step.node,
                "stage": step.stage,
                "rows": [
                    {
                        **vars(place),
                        "kind": type(row).__name__,
                        "content": row.model_dump(mode="json"),
                    }
                    for place, row in step.rows
                ],
                "asks": [_ask(each) for each in step.asks],
            }
            for step in explanation.steps
        ],
        "gone": list(explanation.gone),
    }


def _ask(shown: ShownAsk) -> dict[str, Any]:
    found: dict[str, Any] = {"call": shown.call.model_dump(mode="json"), "is_made": bool(shown.ask)}
    if shown.ask is not None:
        found |= {
            "system": shown.ask.system,
            "text": shown.ask.text,
            "frames": [_frame(frame) for frame in shown.ask.frames],
            "replies": [
                {**vars(kept.reply), "attempts": kept.attempts, "last_at": kept.last_at}
                for kept in shown.ask.replies
            ],
        }
    return found


def _frame(frame: Frame) -> dict[str, Any]:
    digest = hashlib.sha256(frame.jpeg).hexdigest()
    return {"time_s": frame.time_s, "size_bytes": len(frame.jpeg), "sha256": digest}
