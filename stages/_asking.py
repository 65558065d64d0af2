"""What the stages that ask a model have in common: settings, answer fields, and frames to show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from pipeline.engines.base import Frame
from pipeline.records import Event, FramedSegment, Provenance
from pipeline.workflow.annotation_stage import AnnotationConfig
from pipeline.workflow.stage import VideoRows

T = TypeVar("T")

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
AnswerTime = Annotated[float, Field(allow_inf_nan=False)]
"""Seconds as a model states them: any finite number, judged by the stage."""

PRINTED_S = 0.01
"""Precision with which a prompt states times; a model that copies one is this far off at most."""


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


@dataclass(frozen=True)
class Footage:
    """The frames of a video to show, in order, and its length in seconds."""

    video_id: str
    duration_s: float
    segments: tuple[FramedSegment, ...]


def footage_of(rows: VideoRows, max_frames: int) -> Footage:
    """The whole video in at most ``max_frames`` frames."""
    segments = rows[FramedSegment]
    return Footage(rows.video_id, segments[-1].end_s, tuple(evenly(segments, max_frames)))


def shown(segments: Sequence[FramedSegment]) -> tuple[Frame, ...]:
    """The frames of the segments, to go with an ask."""
    return tuple(Frame(time_s=s.frame_s, jpeg=s.jpeg) for s in segments)


def printed_times(segments: Sequence[FramedSegment]) -> list[float]:
    """When the frames of the segments were presented, in seconds, as a prompt states it."""
    return [printed(s.frame_s) for s in segments]


def printed(time_s: float) -> float:
    """A time in seconds to the precision that prompts use."""
    return round(time_s, 2)


def writer(provenance: Provenance) -> str:
    """The model that answered, as ``model@revision``."""
    return f"{provenance.model}@{provenance.revision}"


def found_by(event: Event) -> tuple[Provenance, ...]:
    """The model call that found an event; none where a dataset told it."""
    return (event.provenance,) if event.provenance else ()


def call(provenance: Provenance) -> list[str | int]:
    """What tells one model call from another, for an id that is made from it."""
    return [
        provenance.model,
        provenance.revision,
        provenance.prompt_sha,
        provenance.seed,
        provenance.request_id,
    ]
