"""Embed a frame of each video, or its caption.

reads:  VideoCaption, FramedSegment
writes: VideoVector, one a video
source: arXiv:2505.05467, appendix (clips are ordered by the similarity of their middle frames, and
        kept by that of video and caption; which model is not published)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from pipeline.records import FramedSegment, VideoCaption, VideoVector
from pipeline.workflow.annotation_stage import Case
from pipeline.workflow.embedding_stage import EmbeddingConfig, embedding_stage
from pipeline.workflow.stage import VideoRows

Shown = FramedSegment | None


class Config(EmbeddingConfig):
    """What is embedded."""

    of: Literal["frame", "caption"] = Field(
        "frame", description="frame: the middle frame of the video; caption: what is said of it"
    )
    prompt: str = Field(
        "embed_frame",
        description="name of the text that is embedded, or that the frame is embedded with where"
        " the model takes both (of an empty file: none), a file below prompts/ without its suffix",
    )


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Shown]]:
    """One of a video."""
    (caption,) = rows[VideoCaption]
    values = {"caption": caption.caption}
    if config.of == "caption":
        yield Case(None, values)
        return
    middle = middle_of(rows)
    yield Case(middle, values, [middle])


def middle_of(rows: VideoRows) -> FramedSegment:
    """The turn on whose frame the middle of the video is seen."""
    turns = rows[FramedSegment]
    half_s = turns[-1].end_s / 2
    return next(turn for turn in reversed(turns) if turn.frame_s <= half_s or turn.index == 0)


def accept(case: Case[Shown], vector: list[float], config: Config) -> Iterator[VideoVector]:
    """The one vector."""
    frame_s = case.subject.frame_s if case.subject else None
    yield VideoVector(of=config.of, frame_s=frame_s, vector=vector)


STAGE = embedding_stage(
    name="embed",
    version=1,
    reads=(VideoCaption, FramedSegment),
    writes=VideoVector,
    config=Config,
    variables={"caption": "A ball rolls."},
    cases=cases,
    accept=accept,
)
