"""Ask for questions about a video, all of the type that it is best for.

reads:  VideoType, FramedSegment
writes: Annotation of the task trajectory, one a video, with questions and no response yet;
        ``trajectory`` adds what a causal roll-out answers
source: arXiv:2605.10343 (K questions of the video's type; K, the prompt's words and all settings
        are ours)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from pipeline.records import Annotation, FramedSegment, Question, Reject, VideoType
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, SingleAnswerConfig, whole_video
from stages._trajectory import TASK
from stages._wording import bare

Asked = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Config(SingleAnswerConfig):
    """How questions are asked for."""

    prompt: str = Field(
        "type_questions", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(1024, ge=1, description="most tokens of the answer, all questions")
    questions: int = Field(
        4, ge=1, le=8, description="questions asked for, K; the paper does not say how many; ours"
    )
    max_frames: int = Field(64, ge=2, description="frames shown, evenly spaced; ours")

    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """As many questions as are asked for."""
        return {"questions": {"maxItems": self.questions}}


class TypeQuestions(Answer):
    """Questions about a video."""

    questions: list[Asked]


def cases(rows: VideoRows, config: Config) -> Iterator[Case[VideoType]]:
    """The whole video at once: whoever asks has seen it, whoever answers has not."""
    frames, duration_s = whole_video(rows, config.max_frames)
    for found in rows[VideoType]:
        wanted = {"kind": found.kind, "questions": config.questions}
        yield Case(found, {**wanted, "duration_s": printed(duration_s)}, shared=frames)


def accept(
    case: Case[VideoType], answers: Answers[TypeQuestions], config: Config
) -> Iterator[Annotation | Reject]:
    """The questions, each once."""
    kind = case.subject.kind
    texts: dict[str, str] = {}
    for text in answers[0].questions[: config.questions]:
        if bare(text) in texts:
            yield Reject(reason="duplicate_question", detail=text)
        else:
            texts[bare(text)] = text
    if not texts:
        yield Reject(reason="no_questions", detail=f"of the type {kind}")
        return
    yield Annotation(
        task=TASK,
        aspect=kind,
        questions=[
            Question(qid=f"q{place}", text=text, asked_s=0, kind=kind)
            for place, text in enumerate(texts.values())
        ],
        responses=[],
        provenance=[case.subject.provenance],
    )


STAGE = annotation_stage(
    name="type_questions",
    version=1,
    reads=(VideoType, FramedSegment),
    writes=Annotation,
    config=Config,
    answer=TypeQuestions,
    variables={"kind": "memory_dependent", "questions": 4, "duration_s": 12.0},
    cases=cases,
    accept=accept,
    tasks=lambda *_: {TASK},
    reasons=(
        Reason("duplicate_question", "The same question on the video stands already."),
        Reason("no_questions", "The model gives no question."),
    ),
)
