"""Locate each event again from its caption alone.

reads:  Event, FramedSegment
writes: GroundedEvent, one per event, in their order; without a second span when it was not found
source: section 4.1 of arXiv:2512.21334, event caption, step 2
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from pipeline.engines.base import Frame
from pipeline.records import Event, FramedSegment, GroundedEvent, Provenance, Reject
from pipeline.workflow.annotation_stage import annotation_stage
from pipeline.workflow.stage import VideoRows
from stages._asking import (
    Answer,
    Footage,
    SampledConfig,
    footage_of,
    printed,
    printed_times,
    shown,
)
from stages._consistency import spans_alike, spokesman
from stages._spans import clipped

OptionalTime = Annotated[float | None, Field(allow_inf_nan=False)]


class Config(SampledConfig):
    """How events are located."""

    prompt: str = Field("ground", description="prompt file")
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

    found: bool
    start_s: OptionalTime = None
    end_s: OptionalTime = None


@dataclass(frozen=True)
class Search:
    """An event, and where to look for it."""

    event: Event
    footage: Footage


def cases(rows: VideoRows, config: Config) -> Iterator[Search]:
    """One search an event."""
    footage = footage_of(rows, config.max_frames)
    for event in rows[Event]:
        yield Search(event, footage)


def ask(search: Search, config: Config) -> tuple[Mapping[str, Any], tuple[Frame, ...]]:
    """The caption without its span, and the whole video."""
    variables = {
        "caption": search.event.caption,
        "duration_s": printed(search.footage.duration_s),
        "frame_times": printed_times(search.footage.segments),
    }
    return variables, shown(search.footage.segments)


def accept(
    search: Search, answers: Sequence[SpanSeen], config: Config, provenance: Provenance
) -> Iterator[GroundedEvent | Reject]:
    """The event with the span that speaks for all answers.

    One that cannot be, or that the answers do not bear out, is as good as none: it is refused, and
    the event goes on without it.
    """
    spans = [span_of(answer, search.footage.duration_s, config.tolerance_s) for answer in answers]
    chosen, consistency = spokesman(spans, spans_alike, provenance.samples)
    span, seen = spans[chosen], answers[chosen]

    def refused(reason: str, detail: str) -> Reject:
        video_id, row = search.event.video_id, seen.model_dump_json()
        return Reject(video_id=video_id, reason=reason, detail=detail, row=row)

    if seen.found and span is None:
        detail = f"for event {search.event.event_id} of {search.footage.duration_s:.2f} s"
        yield refused("bad_span", detail)
    if span is not None and consistency < config.min_consistency:
        yield refused("inconsistent", f"{consistency:.2f} of {provenance.samples} answers")
        span = None
    yield grounded(search.event, span, provenance, consistency)


def span_of(seen: SpanSeen, duration_s: float, tolerance_s: float) -> tuple[float, float] | None:
    """The span in seconds that an answer gives, clipped; None without one that can be."""
    if not seen.found or seen.start_s is None or seen.end_s is None:
        return None
    return clipped(seen.start_s, seen.end_s, duration_s, tolerance_s)


def unanswered(search: Search, config: Config, provenance: Provenance) -> Iterator[GroundedEvent]:
    """The event without a second span: were it left out, the others would seem to agree."""
    yield grounded(search.event, None, provenance, 0.0)


def grounded(
    event: Event, span: tuple[float, float] | None, provenance: Provenance, consistency: float
) -> GroundedEvent:
    """The event with a second span in seconds, or with none."""
    return GroundedEvent.model_validate(
        {
            **event.model_dump(),
            "grounded_start_s": span[0] if span else None,
            "grounded_end_s": span[1] if span else None,
            "grounding_consistency": consistency,
            "grounding": provenance,
        }
    )


STAGE = annotation_stage(
    name="ground",
    version=2,
    reads=(Event, FramedSegment),
    writes=GroundedEvent,
    config=Config,
    answer=SpanSeen,
    cases=cases,
    ask=ask,
    accept=accept,
    unanswered=unanswered,
)
