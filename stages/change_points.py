"""Ask for questions whose answers change during the video.

reads:  FramedSegment
writes: Annotation of the task tsqa, one per question, in the order given; not yet verified
source: section 4.1 of arXiv:2512.21334, time-sensitive QA
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.engines.base import Frame
from pipeline.records import Annotation, FramedSegment, Provenance, Question, Reject
from pipeline.records.digest import digest
from pipeline.workflow.annotation_stage import annotation_stage
from pipeline.workflow.stage import VideoRows
from stages._asking import (
    PRINTED_S,
    Answer,
    AnswerTime,
    Footage,
    Sentence,
    SingleAnswerConfig,
    call,
    footage_of,
    printed,
    printed_times,
    shown,
)
from stages._responses import instant_response
from stages._wording import UNKNOWN, bare


class Config(SingleAnswerConfig):
    """How questions are asked for."""

    prompt: str = Field("change_points", description="prompt file")
    max_tokens: int = Field(4096, ge=1, description="of all questions on a video")
    max_frames: int = Field(
        256, ge=2, description="frames shown, evenly spaced; the paper gives none"
    )
    max_questions: int = Field(
        4, ge=1, description="questions per video; more are refused; the paper gives none"
    )
    min_gap_s: float = Field(
        3.0, ge=0, description="time between answers that is asked for; the paper gives none"
    )


class TimedAnswer(Answer):
    """An answer and when it becomes true."""

    value: Sentence
    time_s: AnswerTime


class TimedQuestion(Answer):
    """One question and its answers through the video."""

    aspect: Literal["attribute", "position", "action", "count", "scene"]
    question: Sentence
    answers: Annotated[list[TimedAnswer], Field(max_length=64)]


class Questions(Answer):
    """Questions whose answers change."""

    questions: Annotated[list[TimedQuestion], Field(max_length=32)]


def cases(rows: VideoRows, config: Config) -> Iterator[Footage]:
    """One case a video."""
    yield footage_of(rows, config.max_frames)


def ask(footage: Footage, config: Config) -> tuple[Mapping[str, Any], tuple[Frame, ...]]:
    """The whole video at once."""
    variables = {
        "max_questions": config.max_questions,
        "min_gap_s": config.min_gap_s,
        "duration_s": printed(footage.duration_s),
        "frame_times": printed_times(footage.segments),
    }
    return variables, shown(footage.segments)


def shown_at(time_s: float, frame_times: Sequence[float]) -> float | None:
    """The time of the first frame at or after ``time_s``, in seconds; None outside the frames."""
    if time_s < 0:
        return None
    return next((f for f in frame_times if f >= time_s - PRINTED_S), None)


def timed(
    question: TimedQuestion, frame_times: Sequence[float]
) -> list[tuple[float, str]] | tuple[str, str]:
    """The answers by time, each at the frame that first shows it; or a reason with its detail."""
    if not question.answers:
        return "no_answers", question.question
    answers: list[tuple[float, str]] = []
    for answer in sorted(question.answers, key=lambda a: a.time_s):
        frame_s = shown_at(answer.time_s, frame_times)
        if frame_s is None:
            return "outside_video", f"{answer.time_s:.2f} s, last frame at {frame_times[-1]:.2f} s"
        if bare(answer.value) == UNKNOWN:
            return "unknown_answer", f"at {answer.time_s:.2f} s"
        answers.append((frame_s, answer.value))
    return answers


def accept(
    footage: Footage, answers: Sequence[Questions], config: Config, provenance: Provenance
) -> Iterator[Annotation | Reject]:
    """A task for each question that can be placed in the video."""
    questions = answers[0].questions
    if not questions:
        yield Reject(video_id=footage.video_id, reason="no_change_points")
    seen: set[str] = set()
    for number, question in enumerate(questions):
        result: list[tuple[float, str]] | tuple[str, str]
        if number >= config.max_questions:
            result = "too_many_questions", f"at most {config.max_questions}"
        elif bare(question.question) in seen:
            result = "duplicate_question", question.question
        else:
            result = timed(question, [s.frame_s for s in footage.segments])
        seen.add(bare(question.question))
        if isinstance(result, tuple):
            yield Reject(
                video_id=footage.video_id,
                reason=result[0],
                detail=result[1],
                row=question.model_dump_json(),
            )
        else:
            yield annotation(footage.video_id, question, result, provenance)


def annotation(
    video_id: str,
    question: TimedQuestion,
    answers: Sequence[tuple[float, str]],
    provenance: Provenance,
) -> Annotation:
    """One question, asked at the start, with an instant response where each answer becomes true.

    A response holds until the next one.
    """
    ends = [time_s for time_s, _ in answers[1:]] + [None]
    content = [question.aspect, question.question, answers, call(provenance)]
    return Annotation(
        video_id=video_id,
        annotation_id=digest(["tsqa", video_id, content], 16),
        task="tsqa",
        aspect=question.aspect,
        questions=[Question(qid="q0", text=question.question, asked_s=0)],
        responses=[
            instant_response(f"r{i}", value, time_s, valid_until_s=end_s)
            for i, ((time_s, value), end_s) in enumerate(zip(answers, ends, strict=True))
        ],
        provenance=[provenance],
        parent_ids=[provenance.request_id],
    )


STAGE = annotation_stage(
    name="change_points",
    version=1,
    reads=(FramedSegment,),
    writes=Annotation,
    config=Config,
    answer=Questions,
    cases=cases,
    ask=ask,
    accept=accept,
)
