"""Live-WhisperX-526K: parts of YouTube videos, and the words in them by speech recognition.

File: ``live_whisperx_526k_with_seeks.jsonl``. A line is a list of two messages: a video with
``video_start`` and ``video_end``, and a ``text_stream`` of words ``[start, end, word]``. All times
are in seconds in the whole video. The last line has the byte offsets of the others, and is passed
over. Words are joined to sentences (``transcript.sentences``), each an event. The parts are
distributed as ``{id}_{start}-{end}_2fps.mp4``; ids may have ``_``.

Source: https://arxiv.org/abs/2504.16030,
https://huggingface.co/datasets/chenjoya/Live-WhisperX-526K
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile
from pipeline.manifest.adapters.entry import Entry, Place, Unread
from pipeline.manifest.adapters.layouts import json_lines
from pipeline.manifest.adapters.transcript import Line, is_offsets, read_transcript, sentences


def entry(record: Line, pointer: str, split: str) -> Entry | Unread:
    """A part of a video with its sentences."""
    found = read_transcript(record, pointer)
    if isinstance(found, Unread):
        return found
    if found.start is None or found.end is None:
        return Unread(pointer, "no_time", "the video has no video_start or no video_end")
    clip = (float(found.start), float(found.end))
    youtube = PurePosixPath(found.video).stem
    name = f"{youtube}_{found.start}-{found.end}"
    places = (
        Place(f"videos/videos/{name}_2fps.mp4"),
        Place(f"{name}_2fps"),
        Place(found.video, clip),
        Place(youtube, clip),
    )
    annotations = tuple(sentences(found, pointer, clip[0]))
    return Entry(name, places, annotations, split, f"youtube:{youtube}")


def _lines(path: Path) -> Iterator[tuple[str, Any]]:
    return ((pointer, line) for pointer, line in json_lines(path) if not is_offsets(line))


ADAPTER = Adapter(
    name="live_whisperx",
    title="Live-WhisperX-526K",
    files=(AnnotationFile("**/live_whisperx_*_with_seeks.jsonl", _lines, Line, entry),),
    proven=False,
    proof="the program of its authors that writes the file, and the example on a sister card",
    licence="live_whisperx",
)
