"""Say what each short video shows: in the words of its dataset, or in those of a model.

reads:  FramedSegment, Video
writes: VideoCaption, one a video
source: arXiv:2505.05467, appendix (each clip has a caption: WebVid-10M, Panda-70M and InternVid-10M
        come with one)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from pipeline.records import (
    THIS_CALL,
    FramedSegment,
    Reject,
    SourceAnnotation,
    Video,
    VideoCaption,
)
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, SingleAnswerConfig, whole_video


class Config(SingleAnswerConfig):
    """Whose words are taken."""

    prompt: str = Field(
        "describe_clip", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(768, ge=1, description="most tokens of a caption")
    max_clip_s: float = Field(
        60.0,
        gt=0,
        description="a longer video is no clip of a stream; the paper's have about 12 seconds",
    )
    max_frames: int = Field(16, ge=2, description="frames shown, evenly spaced; ours")
    origins: tuple[Literal["human", "model", "asr", ""], ...] = Field(
        ("human", "model"),
        description="whose captions of a whole video are taken from the manifest, where it has one;"
        " of other videos the model is asked. Empty asks of all",
    )


class Caption(Answer):
    """What the video shows."""

    caption: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1500)]


def stated(video: Video, config: Config) -> SourceAnnotation | None:
    """The first caption that the manifest has of the whole video."""
    return next(
        (
            entry
            for entry in video.annotations
            if entry.kind == "event"
            and entry.origin in config.origins
            and entry.text.strip()
            and (entry.start_s, entry.end_s) in ((None, None), (0.0, None))
        ),
        None,
    )


def cases(rows: VideoRows, config: Config) -> Iterator[Case[None] | VideoCaption | Reject]:
    """The whole video at once, where nobody has described it."""
    for video in rows[Video]:
        if video.duration_s > config.max_clip_s:
            yield Reject(reason="no_clip", detail=f"{video.duration_s:.2f} s")
            return
        if entry := stated(video, config):
            yield VideoCaption(caption=entry.text.strip(), provenance=None, origin=entry.origin)
            return
    frames, duration_s = whole_video(rows, config.max_frames)
    yield Case(None, {"duration_s": printed(duration_s)}, shared=frames)


def accept(case: Case[None], answers: Answers[Caption], config: Config) -> Iterator[VideoCaption]:
    """The model's words."""
    yield VideoCaption(caption=answers[0].caption, provenance=THIS_CALL)


STAGE = annotation_stage(
    name="describe_clip",
    version=1,
    reads=(FramedSegment, Video),
    writes=VideoCaption,
    config=Config,
    answer=Caption,
    variables={"duration_s": 12.0},
    cases=cases,
    accept=accept,
    reasons=(Reason("no_clip", "It is longer than `max_clip_s`.", absence=True),),
)
