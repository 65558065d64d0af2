"""Turn some kept events into questions of when they happen.

reads:  VerifiedEvent, Video
writes: Annotation of the task event_grounding, one per chosen event; a Reject for each kept event
        that covers too much of its video to be asked for
source: section 4.1 of arXiv:2512.21334, event grounding
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import Field

from pipeline.records import (
    Annotation,
    Check,
    Question,
    Record,
    Reject,
    Response,
    VerifiedEvent,
    Video,
)
from pipeline.records.digest import digest
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage
from pipeline.workflow.stage import Context, Reason, Rows, VideoRows
from stages._asking import Answer, Family, Sentence, SingleAnswerConfig
from stages._coverage import CoverageConfig
from stages._reasons import COVERS_VIDEO, LOW_AGREEMENT
from stages._spans import stated
from stages._wording import bare


class Config(CoverageConfig, SingleAnswerConfig):
    """Which events are asked for, and how."""

    prompt: str = Field(
        "query", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(256, ge=1, description="most tokens of one query")
    families: tuple[Family, ...] = Field(
        ("event",), min_length=1, description="of what events are chosen; the paper's are events"
    )
    max_queries: int = Field(
        2, ge=1, description="events chosen per video; the paper samples some and gives no number"
    )
    choice_seed: int = Field(0, description="of the choice of events; another value chooses others")


class Query(Answer):
    """The event as a user would describe it beforehand."""

    query: Sentence


Choice = tuple[VerifiedEvent, frozenset[str]]
"""A kept event, and the captions of the other kept events of its video, compared bare."""


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Choice] | Reject]:
    """Some of the kept events that do not cover too much, in their order; each of those has the
    same chance to be chosen."""
    kept = [e for e in rows[VerifiedEvent] if e.kept and e.family in config.families]
    if not kept:
        yield Reject(reason="low_agreement", detail="no event was kept")
    duration_s = rows[Video][0].duration_s if kept else 0.0
    excess = {e.event_id: config.excess([(e.start_s, e.end_s)], duration_s) for e in kept}
    order = sorted(
        (event for event in kept if not excess[event.event_id]),
        key=lambda e: digest([config.choice_seed, e.event_id], 64),
    )
    chosen = {event.event_id for event in order[: config.max_queries]}
    for event in kept:
        if detail := excess[event.event_id]:
            yield Reject(reason="covers_video", detail=detail, row=event.model_dump_json())
        elif event.event_id in chosen:
            others = frozenset(bare(e.caption) for e in kept if e.event_id != event.event_id)
            yield Case((event, others), {"caption": event.caption})


def accept(
    case: Case[Choice], answers: Answers[Query], config: Config
) -> Iterator[Annotation | Reject]:
    """The task, unless the words fit another event of the video as well."""
    (event, others), query = case.subject, answers[0].query
    if bare(query) in others or bare(event.caption) in others:
        yield Reject(reason="ambiguous_query", detail=query)
        return
    span = event.start_s, event.end_s
    model = event.grounding.writer
    yield Annotation(
        task="event_grounding",
        questions=[Question(qid="q0", text=query, asked_s=0)],
        responses=[Response.event("r0", stated(*span), *span)],
        checks=[Check(name="agreement", passed=True, score=event.iou, model=model, rid="r0")],
        provenance=[*event.found_by, event.grounding],
        origins=[event.origin] if event.origin else [],
        parent_ids=[event.event_id],
    )


def unambiguous(rows: Iterable[Record | Reject]) -> Iterator[Record | Reject]:
    """The rows; a query that two events of a video came to share is refused for both."""
    held = list(rows)
    asked = Counter(_asked(row) for row in held if isinstance(row, Annotation))
    for row in held:
        if isinstance(row, Annotation) and asked[_asked(row)] > 1:
            query = row.questions[0].text
            yield Reject(video_id=row.video_id, reason="ambiguous_query", detail=query)
        else:
            yield row


def _asked(row: Annotation) -> tuple[str, str]:
    return row.video_id, bare(row.questions[0].text)


_ASKING = annotation_stage(
    name="query",
    version=5,
    reads=(VerifiedEvent, Video),
    writes=Annotation,
    config=Config,
    answer=Query,
    variables={"caption": "A ball rolls."},
    cases=cases,
    accept=accept,
    tasks=lambda *_: {"event_grounding"},
    reasons=(
        LOW_AGREEMENT,
        COVERS_VIDEO,
        Reason("ambiguous_query", "The words fit another event of the video as well.", policy=True),
    ),
)


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Rows:
    """Asks about each event by itself, then compares the queries of a video with each other."""
    return unambiguous(_ASKING.run(videos, config, context))


STAGE = replace(_ASKING, run=run)
