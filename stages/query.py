"""Turn some kept events into questions of when they happen.

reads:  VerifiedEvent
writes: Annotation of the task event_grounding, one per chosen event
source: section 4.1 of arXiv:2512.21334, event grounding
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from pipeline.engines.base import Frame
from pipeline.records import (
    Annotation,
    Check,
    Provenance,
    Question,
    Record,
    Reject,
    VerifiedEvent,
)
from pipeline.records.digest import digest
from pipeline.workflow.annotation_stage import annotation_stage
from pipeline.workflow.stage import Context, Rows, VideoRows
from stages._asking import Answer, Sentence, SingleAnswerConfig, call, found_by, writer
from stages._responses import event_response
from stages._spans import stated
from stages._wording import bare


class Config(SingleAnswerConfig):
    """Which events are asked for, and how."""

    prompt: str = Field("query", description="prompt file")
    max_tokens: int = Field(256, ge=1, description="of one query")
    max_queries: int = Field(
        2, ge=1, description="events chosen per video; the paper samples some and gives no number"
    )
    choice_seed: int = Field(0, description="another value chooses other events")


class Query(Answer):
    """The event as a user would describe it beforehand."""

    query: Sentence


@dataclass(frozen=True)
class Choice:
    """A kept event, and the captions of the other kept events of its video."""

    event: VerifiedEvent
    others: tuple[str, ...]


def cases(rows: VideoRows, config: Config) -> Iterator[Choice | Reject]:
    """Some of the kept events, in their order; each has the same chance to be chosen."""
    kept = [event for event in rows[VerifiedEvent] if event.kept]
    if not kept:
        yield Reject(video_id=rows.video_id, reason="low_agreement", detail="no event was kept")
    order = sorted(kept, key=lambda e: digest([config.choice_seed, e.event_id], 64))
    chosen = {event.event_id for event in order[: config.max_queries]}
    for event in kept:
        if event.event_id in chosen:
            others = tuple(e.caption for e in kept if e.event_id != event.event_id)
            yield Choice(event, others)


def ask(choice: Choice, config: Config) -> tuple[Mapping[str, Any], tuple[Frame, ...]]:
    """The caption alone; no frames."""
    return {"caption": choice.event.caption}, ()


def accept(
    choice: Choice, answers: Sequence[Query], config: Config, provenance: Provenance
) -> Iterator[Annotation | Reject]:
    """The task, unless the words fit another event of the video as well."""
    event, query = choice.event, answers[0].query
    others = {bare(caption) for caption in choice.others}
    if bare(query) in others or bare(event.caption) in others:
        yield _ambiguous(event.video_id, query)
        return
    yield Annotation(
        video_id=event.video_id,
        annotation_id=digest(["event_grounding", event.event_id, query, call(provenance)], 16),
        task="event_grounding",
        questions=[Question(qid="q0", text=query, asked_s=0)],
        responses=[
            event_response("r0", stated(event.start_s, event.end_s), event.start_s, event.end_s)
        ],
        checks=[
            Check(
                name="agreement",
                passed=True,
                score=event.iou,
                model=writer(event.grounding),
                rid="r0",
            )
        ],
        provenance=[*found_by(event), event.grounding, provenance],
        origins=[event.origin] if event.origin else [],
        parent_ids=[event.event_id],
    )


def unambiguous(rows: Iterable[Record | Reject]) -> Iterator[Record | Reject]:
    """The rows; a query that two events of a video came to share is refused for both."""
    held = list(rows)
    asked = Counter(_asked(row) for row in held if isinstance(row, Annotation))
    for row in held:
        if isinstance(row, Annotation) and asked[_asked(row)] > 1:
            yield _ambiguous(row.video_id, row.questions[0].text)
        else:
            yield row


def _asked(row: Annotation) -> tuple[str, str]:
    return row.video_id, bare(row.questions[0].text)


def _ambiguous(video_id: str, query: str) -> Reject:
    return Reject(video_id=video_id, reason="ambiguous_query", detail=query)


_ASKING = annotation_stage(
    name="query",
    version=1,
    reads=(VerifiedEvent,),
    writes=Annotation,
    config=Config,
    answer=Query,
    cases=cases,
    ask=ask,
    accept=accept,
)


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Rows:
    """Asks about each event by itself, then compares the queries of a video with each other."""
    return unambiguous(_ASKING.run(videos, config, context))


STAGE = replace(_ASKING, run=run)
