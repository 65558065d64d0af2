"""Inf-Stream-Train: long videos with recognised commentary, and questions asked during them.

Files: ``{train,valid}_s12w24_with_seeks.jsonl``; the byte offsets of their lines are in other files
(``*_seeks_seeks.jsonl``), which are not read. A line is a list of two messages as in Live-WhisperX,
with times in seconds in the whole video; without ``video_start`` it is about the whole video.
``qa_stream`` has items ``[_, time, question, answer]``: asked at that time, and answered from the
video before it. ``video`` is relative to the folder of the dataset, and sometimes a part that was
cut already, named ``*_{start}-{end}_2fps``.

Source: https://arxiv.org/abs/2510.09608,
https://huggingface.co/datasets/mit-han-lab/Inf-Stream-Train
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import json_lines
from pipeline.manifest.adapters.transcript import (
    Line,
    Transcript,
    is_offsets,
    read_transcript,
    sentences,
)


def entry(record: Line, pointer: str, split: str) -> Entry | Unread:
    """A part of a video with its sentences and its questions."""
    found = read_transcript(record, pointer)
    if isinstance(found, Unread):
        return found
    start_s = float(found.start or 0)
    annotations = (*sentences(found, pointer, start_s), *_asked(found, pointer, start_s))
    if found.start is None and found.end is None:
        return Entry(found.video, (Place(found.video),), annotations, split)
    if found.start is None or found.end is None:
        return Unread(pointer, "no_time", "the video has one of video_start and video_end alone")
    part = f"_{found.start}-{found.end}"
    if PurePosixPath(found.video).stem.endswith(f"{part}_2fps"):
        return Entry(found.video, (Place(found.video),), annotations, split)
    place = Place(found.video, (start_s, float(found.end)))
    return Entry(f"{found.video}{part}", (place,), annotations, split)


def _asked(found: Transcript, pointer: str, start_s: float) -> Iterator[RawAnnotation]:
    for number, (_, asked_s, question, answer) in enumerate(found.asked):
        yield RawAnnotation(
            "qa",
            answer,
            start_s=0.0,
            end_s=asked_s - start_s,
            question=question,
            asked_s=asked_s - start_s,
            origin="model",
            pointer=f"{pointer}/{found.below}/qa_stream/{number}",
        )


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    return ((pointer, line) for pointer, line in json_lines(path) if not is_offsets(line))


ADAPTER = Adapter(
    name="inf_streams",
    title="Inf-Stream-Train",
    files=(
        AnnotationFile("**/train*_with_seeks.jsonl", _lines, Line, entry, "train"),
        AnnotationFile("**/valid*_with_seeks.jsonl", _lines, Line, entry, "val"),
    ),
    proven=False,
    proof="the program of StreamingVLM that reads the files (lmm_dataset.py)",
    licence="inf_streams",
)
