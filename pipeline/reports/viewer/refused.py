"""Candidates that a run turned down, with their spans and reasons, as the page shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.records import VerifiedEvent
from pipeline.store.part_names import rejects_path
from pipeline.store.parts import read_table
from pipeline.workflow.plan import NodePlan

TEXT_CHARACTERS = 300
_TEXTS = ("caption", "text", "question", "seen", "answer")
_TIMES = ("time_s", "respond_s", "asked_s", "at_s")
_INSIDE = ("responses", "questions", "points", "change_points")
_COLUMNS = ("video_id", "reason", "detail", "row", "request_id")
_EVENT = (
    *("video_id", "event_id", "family", "caption", "start_s", "end_s"),
    *("grounded_start_s", "grounded_end_s", "iou", "kept", "reason"),
)

Shown = dict[str, Any]


def refused_in(plans: Sequence[NodePlan], shard: int) -> Iterator[tuple[str, Shown]]:
    """What each node turned down in a shard, as ``(video_id, …)``; ``absent``: nothing is wrong."""
    for plan in plans:
        part = plan.parts.get(shard) if plan.node.stage.by_shard else None
        if part is None:
            continue
        absences = plan.node.stage.absences
        for row in read_table(rejects_path(part), _COLUMNS).to_pylist():
            shown = {"node": plan.node.name, "reason": row["reason"], "ask": row["request_id"]}
            shown["detail"] = row["detail"][:TEXT_CHARACTERS]
            shown["absent"] = row["reason"] in absences
            yield row["video_id"], shown | _said_in(row["row"])


def events_in(plans: Sequence[NodePlan], shard: int) -> Iterator[tuple[str, Shown]]:
    """The events of a shard with both spans and why they were not kept, as ``(video_id, …)``."""
    for plan in plans:
        part = plan.parts.get(shard)
        if plan.node.stage.writes is VerifiedEvent and part is not None:
            for row in read_table(part, _EVENT).to_pylist():
                video_id = row.pop("video_id")
                row["caption"] = row["caption"][:TEXT_CHARACTERS]
                yield video_id, {"node": plan.node.name, **row}


def _said_in(row: str) -> Shown:
    """Text and span of a row that was turned down, as far as it has them."""
    try:
        value = json.loads(row) if row else {}
    except ValueError:  # a row that is no JSON is the text itself
        return {"text": row[:TEXT_CHARACTERS], "spans": []}
    found = list(_objects(value))
    texts = (each[name] for each in found for name in _TEXTS if isinstance(each.get(name), str))
    text = next((text for text in texts if text), "")
    return {"text": text[:TEXT_CHARACTERS], "spans": [s for each in found for s in _spans(each)]}


def _objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """The row, and the questions or responses in it."""
    if isinstance(value, dict):
        yield value
        for name in _INSIDE:
            inner = value.get(name)
            yield from (
                (each for each in inner if isinstance(each, dict))
                if isinstance(inner, list)
                else ()
            )


def _spans(value: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    start_s, end_s = value.get("start_s"), value.get("end_s")
    if isinstance(start_s, int | float) and isinstance(end_s, int | float):
        yield start_s, end_s
        return
    for name in _TIMES:
        time_s = value.get(name)
        if isinstance(time_s, int | float):
            yield time_s, time_s
            return
