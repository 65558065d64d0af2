"""What locating has in common, however many captions an ask is about: the span that speaks for all
answers, and the event with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from pipeline.records import THIS_CALL, Event, GroundedEvent, Reject
from pipeline.workflow.annotation_stage import Answers
from stages._asking import Answer, SampledConfig, Seen
from stages._consistency import spans_alike, spokesman
from stages._reasons import BAD_SPAN, INCONSISTENT
from stages._spans import clipped

OptionalTime = Annotated[float | None, Field(allow_inf_nan=False)]
REASONS = (BAD_SPAN, INCONSISTENT)


class GroundingConfig(SampledConfig):
    """What is shown, and what counts as a span."""

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


def located(
    search: Search, answers: Answers[SpanSeen], config: GroundingConfig
) -> Iterator[GroundedEvent | Reject]:
    """The event with the span that speaks for all answers.

    One that cannot be, or that the answers do not bear out, is as good as none: it is refused, and
    the event goes on without it.
    """
    event, duration_s = search
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


def not_located(search: Search) -> GroundedEvent:
    """The event without a second span: were it left out, the others would seem to agree."""
    return grounded(search[0], None, 0.0)


def span_of(seen: SpanSeen, duration_s: float, tolerance_s: float) -> tuple[float, float] | None:
    """The span in seconds that an answer gives, clipped; None without one that can be."""
    if not seen.found or seen.start_s is None or seen.end_s is None:
        return None
    return clipped(seen.start_s, seen.end_s, duration_s, tolerance_s)


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
