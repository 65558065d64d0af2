"""Ask for each answer again: can it be seen when it is due, and not before?

reads:  Annotation, FramedSegment
writes: Verdict, one per response and required check, by annotation and time
source: ours; section 4.1 of arXiv:2512.21334 does not verify its time-sensitive QA
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from pipeline.records import Annotation, FramedSegment, Reject, Response, Verdict
from pipeline.records.digest import digest
from pipeline.workflow.annotation_stage import AnnotationConfig, Answers, Case, annotation_stage
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, evenly
from stages._wording import CheckName, bare, majority, required_checks


class Config(AnnotationConfig):
    """How the verifier is asked; of several samples the most frequent answer counts."""

    prompt: str = Field(
        "verify", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(256, ge=1, description="most tokens of one answer")
    max_frames: int = Field(
        64, ge=1, description="frames shown, evenly spaced, the latest among them; ours"
    )


class AnswerSeen(Answer):
    """The answer as of the last frame, or ``unknown``."""

    value: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]


class Trial(NamedTuple):
    """One check of one response of an annotation."""

    annotation: Annotation
    response: Response
    check: CheckName


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Trial] | Reject]:
    """The checks of each annotation, with the frames that they may see.

    The question comes with all its answers to choose from. A check that has no frame is left out.
    """
    segments = rows[FramedSegment]
    for annotation in rows[Annotation]:
        questions = {question.qid: question.text for question in annotation.questions}
        trials = [
            Case(
                Trial(annotation, response, check),
                {"question": questions[response.qid], "options": options(annotation)},
                evenly(allowed, config.max_frames),
            )
            for response, check in required_checks(annotation.responses)
            if (allowed := visible(segments, response, check))
        ]
        if not trials:
            yield Reject(
                reason="nothing_to_verify",
                detail=annotation.annotation_id,
                row=annotation.model_dump_json(),
            )
        yield from trials


def visible(
    segments: Sequence[FramedSegment], response: Response, check: CheckName
) -> list[FramedSegment]:
    """The frames up to the time of the response, with those at that very time if it is due."""
    if check == "answerable":
        return [s for s in segments if s.frame_s <= response.respond_s]
    return [s for s in segments if s.frame_s < response.respond_s]


def options(annotation: Annotation) -> list[str]:
    """The distinct values of an annotation, in an order that says nothing about time."""
    values = {bare(r.text): r.text for r in reversed(annotation.responses)}
    return sorted(values.values(), key=lambda v: digest([annotation.annotation_id, v], 64))


def accept(case: Case[Trial], answers: Answers[AnswerSeen], config: Config) -> Iterator[Verdict]:
    """What was seen. It passes by the expected value when due, and by any other before."""
    annotation, response, check = case.subject
    values = [answer.value for answer in answers]
    seen = majority(values)
    as_expected = bare(seen) == bare(response.text)
    yield Verdict(
        annotation_id=annotation.annotation_id,
        rid=response.rid,
        check=check,
        expected=response.text,
        seen=seen,
        passed=as_expected if check == "answerable" else not as_expected,
        consistency=sum(bare(value) == bare(seen) for value in values) / answers.drawn,
    )


STAGE = annotation_stage(
    name="verify",
    version=2,
    reads=(Annotation, FramedSegment),
    writes=Verdict,
    config=Config,
    answer=AnswerSeen,
    variables={"question": "Which ball rolls?", "options": ["the red one", "the blue one"]},
    cases=cases,
    accept=accept,
    reasons=(
        Reason("nothing_to_verify", "The annotation has no answer to confirm.", absence=True),
    ),
)
