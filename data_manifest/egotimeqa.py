"""EgoTimeQA: 303 thousand questions about moments of Ego4D clips, made by a model from narrations.

File: ``annotations.EgoTimeQA.json``, a JSON list with a record a question. Times count from the
start of the clip. ``moment_start_frame`` and ``moment_end_frame`` are frame numbers at 30 frames a
second, with fractions and sometimes below 0: spans were scaled about their centres until their mean
length was one second. ``start_sec`` and ``end_sec``, where present, are the window of the narration
and are preferred. Questions are in lower case and have ``l`` for ``I``, which is corrected here.
The answer and ``wrong_answers`` become options, in the order of their hashes, so that the order
does not reveal the answer. ``sample_id`` is null throughout.

Source: https://arxiv.org/abs/2312.06505, https://github.com/Becomebright/GroundVQA
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import json_list

FRAMES_PER_S = 30
_LONE_L = re.compile(r"(?<!\S)l(?=[\s?.,!']|$)")


class Moment(RawRecord):
    """A question about a moment of a clip."""

    clip: Annotated[str, Field(alias="video_id", pattern=r"\S")]
    question: str | None = None
    answer: str | None = None
    wrong_answers: list[str] | None = None
    start_sec: float | None = None
    end_sec: float | None = None
    moment_start_frame: float | None = None
    moment_end_frame: float | None = None


def entry(record: Moment, pointer: str, split: str) -> Entry | Unread:
    """A clip and one question about it."""
    start_s, end_s = record.start_sec, record.end_sec
    if start_s is None or end_s is None:
        if record.moment_start_frame is None or record.moment_end_frame is None:
            return Unread(pointer, "no_time", "neither start_sec and end_sec nor moment_*_frame")
        start_s = record.moment_start_frame / FRAMES_PER_S
        end_s = record.moment_end_frame / FRAMES_PER_S
    question = record.question and _LONE_L.sub("I", record.question)
    annotation = RawAnnotation(
        "qa",
        record.answer,
        start_s=start_s,
        end_s=end_s,
        question=question,
        options=_options(record),
        origin="model",
        pointer=f"{pointer}/answer",
    )
    places = tuple(Place(f"{folder}{record.clip}") for folder in _FOLDERS)
    return Entry(record.clip, places, (annotation,), split, f"ego4d:{record.clip}")


_FOLDERS = ("", "v2/clips/", "v1/clips/", "v2/videos_3fps_480_noaudio/")


def _options(record: Moment) -> tuple[str, ...]:
    if record.answer is None or not record.wrong_answers:
        return ()
    seed = f"{record.clip}\n{record.question}\n"

    def place(option: str) -> bytes:
        return hashlib.sha256((seed + option).encode("utf-8", "backslashreplace")).digest()

    return tuple(sorted([record.answer, *record.wrong_answers], key=place))


ADAPTER = Adapter(
    name="egotimeqa",
    title="EgoTimeQA",
    files=(AnnotationFile("**/annotations.EgoTimeQA.json", json_list, Moment, entry),),
    proven=False,
    proof="the programs of GroundVQA that write the file (generate.py, merge.py)",
    licence="egotimeqa",
)
