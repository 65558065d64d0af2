"""Locate several events of a video again by one ask, each from its caption alone, so that a model
is sent the frames less often. Stands in a run in place of `ground`.

reads:  Event, FramedSegment
writes: GroundedEvent, as `ground` writes them
source: ours; section 4.1 of arXiv:2512.21334, event caption, step 2, does not say how many are
        located at once
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from pipeline.records import Event, FramedSegment, GroundedEvent, Reject, TurnFrame
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import VideoRows
from stages._asking import Answer, Seen, whole_video
from stages._grounding import (
    REASONS,
    GroundingConfig,
    OptionalTime,
    Search,
    SpanSeen,
    located,
    not_located,
)


class Config(GroundingConfig):
    """How events are located."""

    prompt: str = Field(
        "ground_many", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(
        4096, ge=1, description="most tokens of one answer, the spans of all its captions"
    )
    captions_per_ask: int = Field(
        5,
        ge=2,
        le=20,
        description="captions that one ask is about, at most. More send the frames less often, and"
        " leave a model more to keep apart; `ground` asks about each by itself",
    )

    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """A span for each caption, with fewer words than where it is alone."""
        return {"spans": {"maxItems": self.captions_per_ask}, "spans.seen": {"maxLength": 120}}


class NumberedSpan(Answer):
    """Where one of the events is, by the number of its caption, or that it is not there."""

    number: int
    seen: Seen
    found: bool
    start_s: OptionalTime = None
    end_s: OptionalTime = None

    @property
    def span(self) -> SpanSeen:
        """As it would be said by itself."""
        return SpanSeen(**self.model_dump(exclude={"number"}))


class SpansSeen(Answer):
    """All captions that were asked about, each once."""

    spans: list[NumberedSpan]


Searches = Sequence[Search]
"""Events of a video that one ask is about, in order; never empty."""


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Searches]]:
    """So many events at a time, in the whole video."""
    frames, duration_s = whole_video(rows, config.max_frames)
    events, most = rows[Event], config.captions_per_ask
    for first in range(0, len(events), most):
        yield asked([(event, duration_s) for event in events[first : first + most]], frames)


def asked(searches: Searches, frames: Sequence[FramedSegment | TurnFrame]) -> Case[Searches]:
    """The ask about some events, by the numbers of their captions."""
    numbers = [*range(1, len(searches) + 1)]
    captions = [
        {"number": number, "caption": event.caption}
        for number, (event, _) in zip(numbers, searches, strict=True)
    ]
    variables = {"captions": captions, "duration_s": printed(searches[0][1])}
    return Case(searches, variables, shared=frames, choices={"spans.number": numbers})


def accept(
    case: Case[Searches], answers: Answers[SpansSeen], config: Config
) -> Iterator[GroundedEvent | Reject | Case[Searches]]:
    """Each event by the answers that have its number once. One that none has so is asked about by
    itself, and goes on without a second span if that does not help."""
    said: dict[int, list[SpanSeen]] = {}
    for answer in answers:
        times = Counter(span.number for span in answer.spans)
        for span in answer.spans:
            if times[span.number] == 1:
                said.setdefault(span.number, []).append(span.span)
    for number, search in enumerate(case.subject, 1):
        if seen := said.get(number):
            yield from located(search, Answers(seen, answers.drawn), config)
        elif len(case.subject) > 1:
            yield asked([search], case.shared)
        else:
            detail = f"for event {search[0].event_id}, which the answer leaves out or has twice"
            row = answers[0].model_dump_json()
            yield Reject(reason="no_valid_answer", detail=detail, row=row)
            yield not_located(search)


def unanswered(case: Case[Searches], config: Config) -> Iterator[GroundedEvent | Case[Searches]]:
    """Each event by itself: one answer that failed is not to cost all of them."""
    for search in case.subject:
        if len(case.subject) > 1:
            yield asked([search], case.shared)
        else:
            yield not_located(search)


STAGE = annotation_stage(
    name="ground_many",
    version=1,
    reads=(Event, FramedSegment),
    writes=GroundedEvent,
    config=Config,
    answer=SpansSeen,
    variables={"captions": [{"number": 1, "caption": "A ball rolls."}], "duration_s": 9.5},
    cases=cases,
    accept=accept,
    unanswered=unanswered,
    reasons=REASONS,
)
