"""Ask one question about each clip of a stream, from its caption.

reads:  CaptionedStream
writes: Annotation of the task clip_qa, one a clip: its answer rests on the whole clip, and its
        question is asked behind it
source: arXiv:2505.05467, appendix (one question a clip of one of eight types, under ten rules; the
        prompt's words are ours)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pydantic import Field

from pipeline.records import Annotation, CaptionedStream, ClipCaption, Question, Reject, Response
from pipeline.records.streams import clip_starts
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, Sentence, SingleAnswerConfig
from stages._wording import bare

TASK = "clip_qa"
Kind = Literal[
    "object_perception",
    "action_recognition",
    "spatial_awareness",
    "sequential_relationship",
    "causal_reasoning",
    "text_reading",
    "unexpected_event",
    "event_understanding",
]
"""The eight types of the paper."""


class Config(SingleAnswerConfig):
    """How clips are asked about."""

    prompt: str = Field(
        "clip_questions",
        description="name of the prompt, a file below prompts/ without its suffix",
    )
    max_tokens: int = Field(512, ge=1, description="most tokens of one question with its answer")


class ClipQuestion(Answer):
    """A question about a clip."""

    kind: Kind
    question: Sentence
    answer: Sentence


@dataclass(frozen=True)
class Placed:
    """A clip of a stream, ``[start_s, end_s)``."""

    place: int
    start_s: float
    end_s: float
    described: ClipCaption


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Placed]]:
    """Each clip of the stream."""
    for stream in rows[CaptionedStream]:
        bounds = pairwise(clip_starts(stream.clips))
        for place, (described, (start_s, end_s)) in enumerate(
            zip(stream.captions, bounds, strict=True)
        ):
            clip = Placed(place, start_s, end_s, described)
            yield Case(clip, {"caption": described.caption})


def accept(
    case: Case[Placed], answers: Answers[ClipQuestion], config: Config
) -> Iterator[Annotation | Reject]:
    """The question, unless it gives its answer away."""
    clip, found = case.subject, answers[0]
    if bare(found.answer) in bare(found.question):
        yield Reject(reason="tells_answer", detail=f"{found.question} {found.answer}")
        return
    qid, caller = f"q{clip.place}", clip.described.provenance
    response = Response.event(f"r{clip.place}", found.answer, clip.start_s, clip.end_s)
    yield Annotation(
        task=TASK,
        aspect=found.kind,
        questions=[
            Question(
                qid=qid,
                text=found.question,
                asked_s=clip.end_s,
                kind=found.kind,
                asked_by="given",
            )
        ],
        responses=[response.model_copy(update={"qid": qid})],
        provenance=[caller] if caller else [],
        origins=[clip.described.origin] if clip.described.origin else [],
    )


STAGE = annotation_stage(
    name="clip_questions",
    version=1,
    reads=(CaptionedStream,),
    writes=Annotation,
    config=Config,
    answer=ClipQuestion,
    variables={"caption": "A ball rolls."},
    cases=cases,
    accept=accept,
    tasks=lambda *_: {TASK},
    reasons=(Reason("tells_answer", "The question holds its own answer."),),
)
