"""Ask for questions whose answers change during the video.

reads:  FramedSegment
writes: Annotation of the task tsqa, one per question, in the order given; not yet verified
source: section 4.1 of arXiv:2512.21334, time-sensitive QA
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Annotated, Any, Literal

from pydantic import Field

from pipeline.records import Annotation, FramedSegment, Question, Reject, Response
from pipeline.workflow.annotation_stage import PRINTED_S, Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, AnswerTime, Sentence, SingleAnswerConfig, whole_video
from stages._wording import UNKNOWN, bare


class Config(SingleAnswerConfig):
    """How questions are asked for."""

    prompt: str = Field(
        "change_points",
        description="name of the prompt, a file below prompts/ without its suffix",
    )
    max_tokens: int = Field(
        4096, ge=1, description="most tokens of the answer, all questions on a video"
    )
    max_frames: int = Field(
        256, ge=2, description="frames shown, evenly spaced; the paper gives none"
    )
    max_questions: int = Field(
        4, ge=1, description="questions per video; more are refused; the paper gives none"
    )
    min_gap_s: float = Field(
        3.0,
        ge=0,
        description="seconds between two answers that the prompt asks for; the paper gives none."
        " The stage lint enforces its own",
    )

    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """One question more than is kept is one too many; a value is a few words."""
        return {
            "questions": {"maxItems": self.max_questions + 1},
            "questions.answers": {"maxItems": 12},
            "questions.answers.value": {"maxLength": 80},
        }


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


def cases(rows: VideoRows, config: Config) -> Iterator[Case[None]]:
    """The whole video at once."""
    frames, duration_s = whole_video(rows, config.max_frames)
    variables = {
        "max_questions": config.max_questions,
        "min_gap_s": config.min_gap_s,
        "duration_s": printed(duration_s),
    }
    yield Case(None, variables, shared=frames)


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
    case: Case[None], answers: Answers[Questions], config: Config
) -> Iterator[Annotation | Reject]:
    """A task for each question that can be placed in the video."""
    questions = answers[0].questions
    if not questions:
        yield Reject(reason="no_change_points")
    seen: set[str] = set()
    for number, question in enumerate(questions):
        result: list[tuple[float, str]] | tuple[str, str]
        if number >= config.max_questions:
            result = "too_many_questions", f"at most {config.max_questions}"
        elif bare(question.question) in seen:
            result = "duplicate_question", question.question
        else:
            result = timed(question, [s.frame_s for s in case.shared])
        seen.add(bare(question.question))
        if isinstance(result, tuple):
            reason, detail = result
            yield Reject(reason=reason, detail=detail, row=question.model_dump_json())
        else:
            yield annotation(question, result)


def annotation(question: TimedQuestion, answers: Sequence[tuple[float, str]]) -> Annotation:
    """One question, asked at the start, with an instant response where each answer becomes true.

    A response holds until the next one.
    """
    return Annotation(
        task="tsqa",
        aspect=question.aspect,
        questions=[Question(qid="q0", text=question.question, asked_s=0)],
        responses=[
            Response.instant(f"r{i}", text, time_s, valid_until_s=until and until[0])
            for i, ((time_s, text), until) in enumerate(zip_longest(answers, answers[1:]))
        ],
    )


STAGE = annotation_stage(
    name="change_points",
    version=2,
    reads=(FramedSegment,),
    writes=Annotation,
    config=Config,
    answer=Questions,
    variables={"max_questions": 4, "min_gap_s": 3.0, "duration_s": 9.5},
    cases=cases,
    accept=accept,
    reasons=(
        Reason(
            "no_change_points", "The model finds no question whose answer changes.", absence=True
        ),
        Reason("too_many_questions", "It is more than `max_questions` for the video."),
        Reason("duplicate_question", "The same question on the video came before."),
        Reason("no_answers", "The question has no answers."),
        Reason("outside_video", "An answer is before the first frame or behind the last one."),
        Reason("unknown_answer", "An answer says that the frames do not show it."),
    ),
)
