"""Ask which type of question a video is best for.

reads:  FramedSegment
writes: VideoType, one a video
source: arXiv:2605.10343 (the five types, and that the model itself tells them apart; the prompt's
        words and all settings are ours)
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pipeline.records import FramedSegment, VideoKind, VideoType
from pipeline.workflow.annotation_stage import (
    AnnotationConfig,
    Answers,
    Case,
    annotation_stage,
    printed,
)
from pipeline.workflow.stage import VideoRows
from stages._asking import Answer, Seen, whole_video


class Config(AnnotationConfig):
    """How the type is asked for; of several samples the most frequent answer counts."""

    prompt: str = Field(
        "video_type", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(256, ge=1, description="most tokens of one answer")
    max_frames: int = Field(16, ge=2, description="frames shown, evenly spaced; ours")


class TypeSeen(Answer):
    """What goes on in the video, then what it is best for."""

    seen: Seen
    kind: VideoKind


def cases(rows: VideoRows, config: Config) -> Iterator[Case[None]]:
    """The whole video at once."""
    frames, duration_s = whole_video(rows, config.max_frames)
    yield Case(None, {"duration_s": printed(duration_s)}, shared=frames)


def accept(case: Case[None], answers: Answers[TypeSeen], config: Config) -> Iterator[VideoType]:
    """The type given most often."""
    kinds = [answer.kind for answer in answers]
    kind = max(kinds, key=kinds.count)
    yield VideoType(kind=kind, consistency=kinds.count(kind) / answers.drawn)


STAGE = annotation_stage(
    name="video_type",
    version=1,
    reads=(FramedSegment,),
    writes=VideoType,
    config=Config,
    answer=TypeSeen,
    variables={"duration_s": 12.0},
    cases=cases,
    accept=accept,
)
