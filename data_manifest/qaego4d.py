"""QaEgo4D: people's questions about Ego4D recordings, and people's answers.

Files: ``annotations.{train,val,test}.json``, or ``annotations.QaEgo4D_{train,val,test}.json`` as
distributed with GroundVQA; keep one of the two. Each is a JSON list with a record a question. Times
are frame numbers of the clip at 30 frames a second, with fractions. The files with options for the
same questions (``_val_options``, ``_test_close``) are not read.

Source: https://github.com/lbaermann/qaego4d, https://github.com/Becomebright/GroundVQA
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import json_list

FRAMES_PER_S = 30


class Moment(RawRecord):
    """A question about a moment of a clip."""

    clip: Annotated[str, Field(alias="video_id", pattern=r"\S")]
    question: str | None = None
    answer: str | None = None
    moment_start_frame: float
    moment_end_frame: float


def entry(record: Moment, pointer: str, split: str) -> Entry | Unread:
    """A clip and one question about it."""
    annotation = RawAnnotation(
        "qa",
        record.answer,
        start_s=record.moment_start_frame / FRAMES_PER_S,
        end_s=record.moment_end_frame / FRAMES_PER_S,
        question=record.question,
        pointer=f"{pointer}/answer",
    )
    places = tuple(Place(f"{folder}{record.clip}") for folder in _FOLDERS)
    return Entry(record.clip, places, (annotation,), split, f"ego4d:{record.clip}")


_FOLDERS = ("", "v2/clips/", "v1/clips/", "v2/videos_3fps_480_noaudio/")

ADAPTER = Adapter(
    name="qaego4d",
    title="QaEgo4D",
    files=tuple(
        AnnotationFile(f"**/annotations.{prefix}{split}.json", json_list, Moment, entry, split)
        for prefix in ("", "QaEgo4D_")
        for split in ("train", "val", "test")
    ),
    proven=False,
    proof="the program of its authors that writes the files (create_pure_videoqa_json.py)",
    licence="qaego4d",
)
