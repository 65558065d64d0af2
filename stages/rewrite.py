"""Word the captions of kept events as they are to be said.

reads:  VerifiedEvent
writes: CaptionedEvent, one per kept event, in their order
source: section 4.1 of arXiv:2512.21334, event caption; the rewriting is in its supplement, table 13
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pipeline.records import THIS_CALL, CaptionedEvent, Reject, VerifiedEvent
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage
from pipeline.workflow.stage import VideoRows
from stages._asking import Answer, Sentence, SingleAnswerConfig
from stages._reasons import LOW_AGREEMENT


class Config(SingleAnswerConfig):
    """How captions are reworded."""

    prompt: str = Field(
        "rewrite", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(256, ge=1, description="most tokens of one sentence")


class Rewritten(Answer):
    """The caption, reworded."""

    sentence: Sentence


def cases(rows: VideoRows, config: Config) -> Iterator[Case[VerifiedEvent] | Reject]:
    """The captions of the kept events."""
    kept = [event for event in rows[VerifiedEvent] if event.kept]
    if not kept:
        yield Reject(reason="low_agreement", detail="no event was kept")
    yield from (Case(event, {"caption": event.caption}) for event in kept)


def accept(
    case: Case[VerifiedEvent], answers: Answers[Rewritten], config: Config
) -> Iterator[CaptionedEvent]:
    """The event with its new wording."""
    yield captioned(case.subject, answers[0].sentence)


def unanswered(case: Case[VerifiedEvent], config: Config) -> Iterator[CaptionedEvent]:
    """The event without a wording, so that its video is not taken for complete."""
    yield captioned(case.subject, "")


def captioned(event: VerifiedEvent, text: str) -> CaptionedEvent:
    """The event with a wording."""
    return CaptionedEvent(**event.model_dump(), text=text, rewriting=THIS_CALL)


STAGE = annotation_stage(
    name="rewrite",
    version=2,
    reads=(VerifiedEvent,),
    writes=CaptionedEvent,
    config=Config,
    answer=Rewritten,
    variables={"caption": "A ball rolls."},
    cases=cases,
    accept=accept,
    unanswered=unanswered,
    reasons=(LOW_AGREEMENT,),
)
