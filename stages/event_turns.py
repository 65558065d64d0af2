"""Make dialogues of the described spans of a video: reported unasked, or asked for one by one.

reads:  Event, Segment
writes: Annotation of the task dense_captioning (events) or step_recognition (steps), at most one
        per video, family and origin
source: arXiv:2505.05467, section 4 and appendix (dense captioning and sequential step recognition:
        of 20 % of the videos every event is reported as it ends, of 80 % each is asked for then)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pydantic import Field

from pipeline.records import Annotation, Event, Question, Reject, Response, Segment
from pipeline.records.hash_sampling import hash_fraction
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage
from stages._turn_order import behind

TASKS: Mapping[str, str] = {"event": "dense_captioning", "action": "step_recognition"}


class Config(StageConfig):
    """How many are reported unasked."""

    proactive: float = Field(
        0.2,
        ge=0,
        le=1,
        description="of the videos, those whose events are reported as they end; of the others each"
        " is asked for. Drawn by hash",
    )
    seed: int = Field(0, description="of that draw")


def dialogue_of(events: Sequence[Event], turns: Sequence[Segment], config: Config) -> Annotation:
    """The events of one family and origin, never none, by their ends.

    What ends in one turn is asked for once.
    """
    ordered = sorted(events, key=lambda e: (e.end_s, e.start_s, e.event_id))
    name = f"{ordered[0].video_id} {ordered[0].family} {ordered[0].origin}"
    unasked = hash_fraction(name, config.seed) < config.proactive
    asked_s = [0.0 if unasked else behind(turns, event.end_s) for event in ordered]
    qids = {time_s: f"q{i}" for i, time_s in enumerate(dict.fromkeys(asked_s))}
    responses = [
        Response.event(f"r{i}", event.caption, event.start_s, event.end_s)
        for i, event in enumerate(ordered)
    ]
    return Annotation(
        task=TASKS[ordered[0].family],
        questions=[
            Question(
                qid=qid,
                text="",
                asked_s=time_s,
                asked_by="start" if unasked else "after_event",
            )
            for time_s, qid in qids.items()
        ],
        responses=[
            response.model_copy(update={"qid": qids[time_s]})
            for response, time_s in zip(responses, asked_s, strict=True)
        ],
        provenance=list(dict.fromkeys(call for event in ordered for call in event.found_by)),
        origins=[ordered[0].origin] if ordered[0].origin else [],
        parent_ids=[event.event_id for event in ordered],
    )


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """The dialogues of one video, events before steps, by origin."""
    if not rows[Segment]:
        yield Reject(reason="no_turns")
        return
    together: dict[tuple[bool, str], list[Event]] = {}
    for event in rows[Event]:
        together.setdefault((event.family == "action", event.origin), []).append(event)
    for _, events in sorted(together.items()):
        yield dialogue_of(events, rows[Segment], config)


STAGE = per_video_stage(
    name="event_turns",
    version=1,
    reads=(Event, Segment),
    writes=Annotation,
    config=Config,
    run=run,
    tasks=lambda _, families: {TASKS[family] for family in families if family in TASKS},
    reasons=(Reason("no_turns", "The video could not be cut into turns.", absence=True),),
)
