"""What the stages that ask a model have in common: settings, answer fields, and frames to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipeline.records import FramedSegment
from pipeline.workflow.annotation_stage import AnnotationConfig
from pipeline.workflow.stage import VideoRows

T = TypeVar("T")

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Seen = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=240)]
"""What a model says that it sees, before it judges: a field that stands before the verdict, since
an answer is written from its first field to its last."""
Family = Literal["event", "action"]
"""What an event is one of."""
AnswerTime = Annotated[float, Field(allow_inf_nan=False)]
"""Seconds as a model states them: any finite number, judged by the stage."""


class Answer(BaseModel):
    """Base of what a model is to answer: nothing but the fields named."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SampledConfig(AnnotationConfig):
    """Settings of a stage that compares several answers to one ask (``stages/_consistency.py``)."""

    min_consistency: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how much several answers to one ask must have in common; the paper draws one",
    )


class SingleAnswerConfig(AnnotationConfig):
    """Settings of a stage that has no way of comparing several answers to one ask."""

    samples: int = Field(1, ge=1, le=1, description="answers drawn for each ask; always one here")


def evenly(items: Sequence[T], at_most: int) -> Sequence[T]:
    """All items, or ``at_most`` of them: evenly spaced, in order, with the last one among them."""
    if len(items) <= at_most:
        return items
    if at_most == 1:
        return items[-1:]
    last = len(items) - 1
    return [items[i * last // (at_most - 1)] for i in range(at_most)]


def prefix(
    video: Sequence[FramedSegment], count: int, most: int, block: int
) -> Sequence[FramedSegment]:
    """What an ask shows that sees the first ``count`` frames of a video, ``most`` of them, in order
    of time: of a video that has more, some of a grid and the latest ``block`` or more.

    Two such asks begin with the same frames, so that an engine computes only those that a later one
    adds: grid and blocks of the latest frames lie where they do whatever is shown.
    """
    if len(video) <= most:
        return video[:count]
    start = max(0, (count - 1) // block - 1) * block
    latest = video[max(start, count - most) : count]
    space = most - 2 * block
    grid = evenly(video, space) if space > 0 else ()
    return [*(s for s in grid if s.frame_s < latest[0].frame_s), *latest]


def whole_video(rows: VideoRows, max_frames: int) -> tuple[Sequence[FramedSegment], float]:
    """At most ``max_frames`` frames of the whole video, and its length in seconds."""
    segments = rows[FramedSegment]
    return evenly(segments, max_frames), segments[-1].end_s
