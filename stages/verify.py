"""Look again at each answer: is it there when it is due, and not before?

reads:  Annotation, FramedSegment
writes: Verdict, one per response and look (stages/_looks.py), by annotation and time
source: ours; section 4.1 of arXiv:2512.21334 does not verify its time-sensitive QA
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pipeline.engines.base import Frame
from pipeline.records import Annotation, FramedSegment, Provenance, Reject, Response, Verdict
from pipeline.records.digest import digest
from pipeline.workflow.annotation_stage import AnnotationConfig, annotation_stage
from pipeline.workflow.stage import VideoRows
from stages._asking import Answer, evenly, printed_times, shown
from stages._looks import Look, looks
from stages._wording import bare, majority


class Config(AnnotationConfig):
    """How the verifier is asked; of several samples the most frequent answer counts."""

    prompt: str = Field("verify", description="prompt file")
    max_tokens: int = Field(128, ge=1, description="of one answer")
    max_frames: int = Field(
        64, ge=1, description="frames shown, evenly spaced, the latest among them; ours"
    )


class AnswerSeen(Answer):
    """The answer as of the last frame, or ``unknown``."""

    value: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]


@dataclass(frozen=True)
class Trial:
    """One look at one response; ``segments`` are what the verifier may see, never empty."""

    annotation: Annotation
    response: Response
    look: Look
    segments: tuple[FramedSegment, ...]


def cases(rows: VideoRows, config: Config) -> Iterator[Trial | Reject]:
    """The looks at each annotation; a look for which there is no frame is not taken."""
    segments = rows[FramedSegment]
    for annotation in rows[Annotation]:
        trials = [
            Trial(annotation, response, look, tuple(evenly(allowed, config.max_frames)))
            for response, look in looks(annotation.responses)
            if (allowed := visible(segments, response, look))
        ]
        if not trials:
            yield Reject(
                video_id=annotation.video_id,
                reason="nothing_to_verify",
                detail=annotation.annotation_id,
                row=annotation.model_dump_json(),
            )
        yield from trials


def visible(
    segments: Sequence[FramedSegment], response: Response, look: Look
) -> list[FramedSegment]:
    """The frames up to the time of the response, with those at that very time if it is due."""
    if look == "answerable":
        return [s for s in segments if s.frame_s <= response.respond_s]
    return [s for s in segments if s.frame_s < response.respond_s]


def options(annotation: Annotation) -> list[str]:
    """The distinct values of an annotation, in an order that says nothing about time."""
    values = {bare(r.text): r.text for r in reversed(annotation.responses)}
    return sorted(values.values(), key=lambda v: digest([annotation.annotation_id, v], 64))


def ask(trial: Trial, config: Config) -> tuple[Mapping[str, Any], tuple[Frame, ...]]:
    """The question with all its answers to choose from, and the frames of the look."""
    question = next(q for q in trial.annotation.questions if q.qid == trial.response.qid)
    variables = {
        "question": question.text,
        "options": options(trial.annotation),
        "frame_times": printed_times(trial.segments),
    }
    return variables, shown(trial.segments)


def accept(
    trial: Trial, answers: Sequence[AnswerSeen], config: Config, provenance: Provenance
) -> Iterator[Verdict]:
    """What was seen. It passes by the expected value when due, and by any other before."""
    expected = trial.response.text
    values = [answer.value for answer in answers]
    seen = majority(values)
    says_it = bare(seen) == bare(expected)
    yield Verdict(
        video_id=trial.annotation.video_id,
        annotation_id=trial.annotation.annotation_id,
        rid=trial.response.rid,
        check=trial.look,
        expected=expected,
        seen=seen,
        passed=says_it if trial.look == "answerable" else not says_it,
        consistency=sum(bare(value) == bare(seen) for value in values) / provenance.samples,
        provenance=provenance,
    )


STAGE = annotation_stage(
    name="verify",
    version=2,
    reads=(Annotation, FramedSegment),
    writes=Verdict,
    config=Config,
    answer=AnswerSeen,
    cases=cases,
    ask=ask,
    accept=accept,
)
