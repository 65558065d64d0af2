"""Locate each event again from its caption alone.

reads:  Event, FramedSegment
writes: GroundedEvent, one per event, in their order; without a second span when it was not found
source: section 4.1 of arXiv:2512.21334, event caption, step 2
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pipeline.records import Event, FramedSegment, GroundedEvent, Reject
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import VideoRows
from stages._asking import whole_video
from stages._grounding import REASONS, GroundingConfig, Search, SpanSeen, located, not_located


class Config(GroundingConfig):
    """How events are located."""

    prompt: str = Field(
        "ground", description="name of the prompt, a file below prompts/ without its suffix"
    )


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Search]]:
    """An event by its caption, without its span, in the whole video."""
    frames, duration_s = whole_video(rows, config.max_frames)
    for event in rows[Event]:
        variables = {"caption": event.caption, "duration_s": printed(duration_s)}
        yield Case((event, duration_s), variables, shared=frames)


def accept(
    case: Case[Search], answers: Answers[SpanSeen], config: Config
) -> Iterator[GroundedEvent | Reject]:
    """The event with the span that speaks for all answers, or without one."""
    yield from located(case.subject, answers, config)


def unanswered(case: Case[Search], config: Config) -> Iterator[GroundedEvent]:
    """The event goes on without a second span."""
    yield not_located(case.subject)


STAGE = annotation_stage(
    name="ground",
    version=4,
    reads=(Event, FramedSegment),
    writes=GroundedEvent,
    config=Config,
    answer=SpanSeen,
    variables={"caption": "A ball rolls.", "duration_s": 9.5},
    cases=cases,
    accept=accept,
    unanswered=unanswered,
    reasons=REASONS,
)
