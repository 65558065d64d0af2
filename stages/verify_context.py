"""Ask for each answer twice: with what it rests on, and without the context that it claims to need.

A question that depends on an earlier one is asked with that exchange, and without it; one about
what a window remembers with the memory and no frames, and with the frames of its window and no
memory. Any other is asked once, with the frames up to its answer.

reads:  Annotation, FramedSegment, Summary
writes: Verdict: ``in_context`` for each response, which passes by the expected answer, and
        ``without_context`` for each that rests on a context, which passes by any other
source: ours
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import Field

from pipeline.dialogue.memory import Reach, recalled
from pipeline.dialogue.tiling import DialogueError
from pipeline.records import Annotation, FramedSegment, Question, Reject, Response, Summary, Verdict
from pipeline.workflow.annotation_stage import AnnotationConfig, Answers, Case, annotation_stage
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, Seen, Sentence, evenly
from stages._spans import JITTER_S
from stages._wording import UNKNOWN, bare, majority, options

ContextCheck = Literal["in_context", "without_context"]


class Config(AnnotationConfig):
    """How the verifier is asked; of several samples the most frequent answer counts."""

    prompt: str = Field(
        "verify_context", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(512, ge=1, description="most tokens of one answer")
    max_frames: int = Field(
        64, ge=1, description="frames shown at most, evenly spaced, the latest among them; ours"
    )
    memory: Reach = Field(
        Reach(),
        description="as of remember: what a window would remember, and which frames it would"
        " show; `harness` and `onestreamer` stand for those settings",
    )


class AnswerInContext(Answer):
    """What bears the answer out, and the answer: an option, or ``unknown``."""

    seen: Seen
    value: Sentence


class Trial(NamedTuple):
    """One check of one response."""

    annotation: Annotation
    response: Response
    check: ContextCheck
    at_s: float


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Trial] | Reject]:
    """The checks of all responses, each with what it may see."""
    frames, summaries = rows[FramedSegment], rows[Summary]
    for annotation in rows[Annotation]:
        questions = {question.qid: question for question in annotation.questions}
        for response in annotation.responses:
            question = questions[response.qid]
            try:
                looks = [*_looks(annotation, question, response, frames, summaries, config)]
            except DialogueError as error:
                yield Reject(
                    reason="no_memory", detail=error.detail, row=response.model_dump_json()
                )
                continue
            yield from looks


def _looks(
    annotation: Annotation,
    question: Question,
    response: Response,
    frames: Sequence[FramedSegment],
    summaries: Sequence[Summary],
    config: Config,
) -> Iterator[Case[Trial]]:
    now_s = max(response.respond_s, question.asked_s)
    seen = [frame for frame in frames if frame.frame_s <= now_s]
    exchange: list[dict[str, str]] = []
    memory: list[str] = []
    without: Sequence[FramedSegment] = ()
    if response.from_memory:
        stretch = int((now_s + JITTER_S) // config.memory.raw_s)
        memory = [each.text for each in recalled(summaries, stretch, config.memory)]
        starts_s = stretch * config.memory.raw_s
        seen, without = [], [frame for frame in seen if frame.frame_s >= starts_s - JITTER_S]
    elif question.depends_on:
        exchange, without = exchanged(annotation, question, now_s), seen
    asked = {"question": question.text, "options": options(annotation, question)}
    full = {**asked, "memory": memory, "exchange": exchange}
    yield _case(Trial(annotation, response, "in_context", now_s), full, seen, config)
    if without:
        bald = {**asked, "memory": [], "exchange": []}
        yield _case(Trial(annotation, response, "without_context", now_s), bald, without, config)


def exchanged(annotation: Annotation, question: Question, until_s: float) -> list[dict[str, str]]:
    """The question on which one depends, and what was answered to it last."""
    earlier = next(each for each in annotation.questions if each.qid == question.depends_on)
    own = [r for r in annotation.responses if r.qid == earlier.qid and r.respond_s <= until_s]
    last = max(own, key=lambda response: response.respond_s, default=None)
    return [{"question": earlier.text, "answer": last.text if last else ""}]


def _case(
    trial: Trial, asked: Mapping[str, Any], frames: Sequence[FramedSegment], config: Config
) -> Case[Trial]:
    allowed = [*asked["options"], UNKNOWN]
    shown = evenly(frames, config.max_frames) if frames else ()
    return Case(trial, asked, shown, choices={"value": allowed})


def accept(
    case: Case[Trial], answers: Answers[AnswerInContext], config: Config
) -> Iterator[Verdict]:
    """What was found: with the context the expected answer passes, without it any other."""
    annotation, response, check, at_s = case.subject
    values = [answer.value for answer in answers]
    found = majority(values)
    as_expected = bare(found) == bare(response.text)
    yield Verdict(
        annotation_id=annotation.annotation_id,
        rid=response.rid,
        check=check,
        at_s=at_s,
        expected=response.text,
        seen=found,
        passed=as_expected == (check == "in_context"),
        consistency=sum(bare(value) == bare(found) for value in values) / answers.drawn,
    )


STAGE = annotation_stage(
    name="verify_context",
    version=1,
    reads=(Annotation, FramedSegment, Summary),
    writes=Verdict,
    config=Config,
    answer=AnswerInContext,
    variables={
        "question": "And what was it before?",
        "options": ["red", "green"],
        "memory": ["A light turned green."],
        "exchange": [{"question": "What does the light show?", "answer": "green"}],
    },
    cases=cases,
    accept=accept,
    reasons=(Reason("no_memory", "What the answer rests on was not summarised."),),
)
