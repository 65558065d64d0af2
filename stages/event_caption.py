"""Gather the kept events of each video into one captioning task.

reads:  CaptionedEvent
writes: Annotation of the task event_caption or action_caption, at most one per video and family
source: section 4.1 of arXiv:2512.21334, event caption and action caption
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.records import Annotation, CaptionedEvent, Check, Question, Reject, Response
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage


def gather(events: Sequence[CaptionedEvent]) -> Annotation | Reject:
    """The events of one video and family (never none) as a task; refused when a wording is missing.

    Each is reported when it is over, so the responses stand in order of their ends.
    """
    missing = [event.event_id for event in events if not event.text]
    if missing:
        detail = f"events without a wording: {', '.join(missing)}"
        return Reject(reason="incomplete", detail=detail)
    ordered = sorted(events, key=lambda e: (e.end_s, e.start_s, e.event_id))
    return Annotation(
        task=f"{events[0].family}_caption",
        questions=[Question(qid="q0", text="", asked_s=0)],
        responses=[
            Response.event(f"r{i}", event.text, event.start_s, event.end_s)
            for i, event in enumerate(ordered)
        ],
        checks=[
            Check(
                name="agreement",
                passed=True,
                score=event.iou,
                model=event.grounding.writer,
                rid=f"r{i}",
            )
            for i, event in enumerate(ordered)
        ]
        + [
            Check(
                name="consistency",
                passed=True,
                score=min(event.consistency, event.grounding_consistency),
                model=event.grounding.writer,
                rid=f"r{i}",
            )
            for i, event in enumerate(ordered)
            if max(asked.samples for asked in (*event.found_by, event.grounding)) > 1
        ],
        provenance=[
            *dict.fromkeys(asked for event in ordered for asked in event.found_by),
            *(event.grounding for event in ordered),
            *(event.rewriting for event in ordered),
        ],
        origins=list(dict.fromkeys(event.origin for event in ordered if event.origin)),
        parent_ids=[event.event_id for event in ordered],
    )


def run(rows: VideoRows, config: StageConfig, context: Context) -> Iterator[Annotation | Reject]:
    """The tasks of one video, events before actions."""
    for family in ("event", "action"):
        events = [event for event in rows[CaptionedEvent] if event.family == family]
        if events:
            yield gather(events)


STAGE = per_video_stage(
    name="event_caption",
    version=2,
    reads=(CaptionedEvent,),
    writes=Annotation,
    config=StageConfig,
    run=run,
    tasks=lambda _, families: {f"{family}_caption" for family in families},
    reasons=(
        Reason("incomplete", "An event of the video got no wording, so the task would lack it."),
    ),
)
