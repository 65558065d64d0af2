"""MovieChat-1K: people's questions about 1,000 film clips, about a whole clip or one frame.

Files: one JSON object a video. ``info`` has ``fps`` and ``video_path``; ``global`` questions are
about the whole video; a ``breakpoint`` question is asked at ``time``, a frame number, and answered
from the video up to and with that frame. Files of the training set also have a ``caption``; files
without one are of the test set. Its folder ``annotations`` probably lacks the answers, which
``gt`` has.

Source: https://arxiv.org/abs/2307.16449, https://huggingface.co/datasets/Enxin/MovieChat-1K-test
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import json_list


class Info(RawRecord):
    """Properties of the video file."""

    fps: float
    video_path: Annotated[str, Field(pattern=r"\S")]


class Question(RawRecord):
    """A question; ``time`` is the number of the frame at which it is asked."""

    question: str | None = None
    answer: str | None = None
    time: float | None = None


class Movie(RawRecord):
    """A file."""

    info: Info
    whole: list[Question] = Field([], alias="global")
    moments: list[Question] = Field([], alias="breakpoint")
    caption: str | None = None


def entry(record: Movie, pointer: str, split: str) -> Entry | Unread:
    """A video with its questions and its caption."""
    rate = record.info.fps
    if not rate > 0:
        return Unread(pointer, "bad_rate", f"info/fps is {rate:g}, must be above 0")
    for number, question in enumerate(record.moments):
        if question.time is None:
            return Unread(pointer, "no_time", f"breakpoint/{number} has no time")
    path = record.info.video_path
    stem = path.rpartition(".")[0] or path
    places = tuple(dict.fromkeys((Place(f"videos/{path}"), Place(path), Place(stem))))
    split = split if record.caption is None else "train"
    return Entry(path, places, tuple(_annotations(record, pointer)), split)


def _annotations(record: Movie, pointer: str) -> Iterator[RawAnnotation]:
    if record.caption is not None:
        yield RawAnnotation("event", record.caption, pointer=f"{pointer}/caption")
    for number, asked in enumerate(record.whole):
        where = f"{pointer}/global/{number}"
        yield RawAnnotation("qa", asked.answer, question=asked.question, pointer=where)
    for number, asked in enumerate(record.moments):
        frame = asked.time or 0.0
        yield RawAnnotation(
            "qa",
            asked.answer,
            start_s=0.0,
            end_s=(frame + 1) / record.info.fps,
            question=asked.question,
            asked_s=frame / record.info.fps,
            pointer=f"{pointer}/breakpoint/{number}",
        )


ADAPTER = Adapter(
    name="moviechat1k",
    title="MovieChat-1K",
    files=(AnnotationFile("**/*.json", json_list, Movie, entry, "test"),),
    proven=False,
    proof="the page of the LOVEU'24 track and the authors' program that reads the files",
    licence="moviechat1k",
)
