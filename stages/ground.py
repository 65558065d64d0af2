"""Locate each event again from its caption alone.

reads:  Event, FramedSegment
writes: GroundedEvent, one per event, in their order; without a second span when it was not found
source: section 4.1 of arXiv:2512.21334, event caption, step 2
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from pipeline.records import THIS_CALL, Event, FramedSegment, GroundedEvent, Reject
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import VideoRows
from stages._asking import Answer, SampledConfig, Seen, whole_video
from stages._consistency import spans_alike, spokesman
from stages._reasons import BAD_SPAN, INCONSISTENT
from stages._spans import clipped

OptionalTime = Annotated[float | None, Field(allow_inf_nan=False)]


class Config(SampledConfig):
    """How events are located."""

    prompt: str = Field(
        "ground", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_frames: int = Field(
        256, ge=2, description="frames shown, evenly spaced; the paper gives none"
    )
    tolerance_s: float = Field(
        1.0,
        ge=0,
        description="a span that leaves the video by no more than this is clipped to it; the paper"
        " gives none",
    )


class SpanSeen(Answer):
    """Where the event is, in seconds, or that it is not there."""

    seen: Seen
    found: bool
    start_s: OptionalTime = None
    end_s: OptionalTime = None


Search = tuple[Event, float]
"""An event, and the length of its video in seconds."""


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Search]]:
    """An event by its caption, without its span, in the whole video."""
    frames, duration_s = whole_video(rows, config.max_frames)
    for event in rows[Event]:
        variables = {"caption": event.caption, "duration_s": printed(duration_s)}
        yield Case((event, duration_s), variables, shared=frames)


def accept(
    case: Case[Search], answers: Answers[SpanSeen], config: Config
) -> Iterator[GroundedEvent | Reject]:
    """The event with the span that speaks for all answers.

    One that cannot be, or that the answers do not bear out, is as good as none: it is refused, and
    the event goes on without it.
    """
    event, duration_s = case.subject
    spans = [span_of(answer, duration_s, config.tolerance_s) for answer in answers]
    chosen, consistency = spokesman(spans, spans_alike, answers.drawn)
    span, seen = spans[chosen], answers[chosen]
    if seen.found and span is None:
        detail = f"for event {event.event_id} of {duration_s:.2f} s"
        yield Reject(reason="bad_span", detail=detail, row=seen.model_dump_json())
    if span is not None and consistency < config.min_consistency:
        detail = f"{consistency:.2f} of {answers.drawn} answers"
        yield Reject(reason="inconsistent", detail=detail, row=seen.model_dump_json())
        span = None
    denied = sum(not answer.found for answer in answers) / answers.drawn
    yield grounded(event, span, consistency, denied)


def span_of(seen: SpanSeen, duration_s: float, tolerance_s: float) -> tuple[float, float] | None:
    """The span in seconds that an answer gives, clipped; None without one that can be."""
    if not seen.found or seen.start_s is None or seen.end_s is None:
        return None
    return clipped(seen.start_s, seen.end_s, duration_s, tolerance_s)


def unanswered(case: Case[Search], config: Config) -> Iterator[GroundedEvent]:
    """The event without a second span: were it left out, the others would seem to agree."""
    yield grounded(case.subject[0], None, 0.0)


def grounded(
    event: Event, span: tuple[float, float] | None, consistency: float, denied: float = 0.0
) -> GroundedEvent:
    """The event with a second span in seconds, or with none, and the share of the samples that
    deny it."""
    start_s, end_s = span or (None, None)
    return GroundedEvent(
        **event.model_dump(include=set(Event.model_fields)),
        grounded_start_s=start_s,
        grounded_end_s=end_s,
        grounding_consistency=consistency,
        denied=denied,
        grounding=THIS_CALL,
    )


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
    reasons=(BAD_SPAN, INCONSISTENT),
)
