"""Compare the two spans of each event.

reads:  GroundedEvent
writes: VerifiedEvent, one per event, in their order, kept or not; its span stays the original one
source: section 4.1 of arXiv:2512.21334, event caption, step 3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from pipeline.records import GroundedEvent, VerifiedEvent
from pipeline.records.spans import iou
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage
from stages._reasons import OTHER_EVENT_FAILED


class Config(StageConfig):
    """When an event is kept."""

    min_iou: float = Field(
        0.5,
        ge=0,
        le=1,
        description="overlap over union that the two spans must reach; the paper asks for"
        " consistent, overlapping spans and gives no number",
    )
    policy: Literal["video", "event"] = Field(
        "video",
        description="video: all events of a video are kept or none, as in the paper;"
        " event: each by itself",
    )


def overlap(event: GroundedEvent) -> float | None:
    """IoU of the two spans; None when the event was not found again."""
    if event.grounded_start_s is None or event.grounded_end_s is None:
        return None
    return iou((event.start_s, event.end_s), (event.grounded_start_s, event.grounded_end_s))


def agree(events: Sequence[GroundedEvent], config: Config) -> list[VerifiedEvent]:
    """The events of one video and family, each with its IoU and why it was not kept."""
    overlaps = [overlap(event) for event in events]
    reasons = [
        "not_found" if x is None else "low_iou" if x < config.min_iou else "" for x in overlaps
    ]
    if config.policy == "video" and any(reasons):
        reasons = [reason or "other_event_failed" for reason in reasons]
    return [
        VerifiedEvent.model_validate(
            {**event.model_dump(), "iou": x or 0.0, "kept": not reason, "reason": reason}
        )
        for event, x, reason in zip(events, overlaps, reasons, strict=True)
    ]


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[VerifiedEvent]:
    """The verified events of one video; events and actions do not answer for each other."""
    events = rows[GroundedEvent]
    verified = {
        event.event_id: event
        for family in ("event", "action")
        for event in agree([e for e in events if e.family == family], config)
    }
    for event in events:
        yield verified[event.event_id]


STAGE = per_video_stage(
    name="agree",
    version=1,
    reads=(GroundedEvent,),
    writes=VerifiedEvent,
    config=Config,
    run=run,
    reasons=(
        Reason("not_found", "The event was not found again by its caption."),
        Reason("low_iou", "The two spans of the event overlap less than `min_iou`."),
        OTHER_EVENT_FAILED,
    ),
)
