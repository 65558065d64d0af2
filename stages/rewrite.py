"""Word the captions of kept events as they are to be said.

reads:  VerifiedEvent
writes: CaptionedEvent, one per kept event, in their order
source: section 4.1 of arXiv:2512.21334, event caption; the rewriting is in its supplement, table 13
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from pipeline.engines.base import Frame
from pipeline.records import CaptionedEvent, Provenance, Reject, VerifiedEvent
from pipeline.workflow.annotation_stage import annotation_stage
from pipeline.workflow.stage import VideoRows
from stages._asking import Answer, Sentence, SingleAnswerConfig


class Config(SingleAnswerConfig):
    """How captions are reworded."""

    prompt: str = Field("rewrite", description="prompt file")
    max_tokens: int = Field(256, ge=1, description="of one sentence")


class Rewritten(Answer):
    """The caption, reworded."""

    sentence: Sentence


def cases(rows: VideoRows, config: Config) -> Iterator[VerifiedEvent | Reject]:
    """The kept events."""
    kept = [event for event in rows[VerifiedEvent] if event.kept]
    if not kept:
        yield Reject(video_id=rows.video_id, reason="low_agreement", detail="no event was kept")
    yield from kept


def ask(event: VerifiedEvent, config: Config) -> tuple[Mapping[str, Any], tuple[Frame, ...]]:
    """The caption alone; no frames."""
    return {"caption": event.caption}, ()


def accept(
    event: VerifiedEvent, answers: Sequence[Rewritten], config: Config, provenance: Provenance
) -> Iterator[CaptionedEvent]:
    """The event with its new wording."""
    yield captioned(event, answers[0].sentence, provenance)


def unanswered(
    event: VerifiedEvent, config: Config, provenance: Provenance
) -> Iterator[CaptionedEvent]:
    """The event without a wording, so that its video is not taken for complete."""
    yield captioned(event, "", provenance)


def captioned(event: VerifiedEvent, text: str, provenance: Provenance) -> CaptionedEvent:
    """The event with a wording."""
    return CaptionedEvent.model_validate(
        {**event.model_dump(), "text": text, "rewriting": provenance}
    )


STAGE = annotation_stage(
    name="rewrite",
    version=1,
    reads=(VerifiedEvent,),
    writes=CaptionedEvent,
    config=Config,
    answer=Rewritten,
    cases=cases,
    ask=ask,
    accept=accept,
    unanswered=unanswered,
)
