"""``stride``: the rows of ``activation`` as STRIDE's sampler takes them (arXiv:2603.27593)."""

from __future__ import annotations

from typing import Any

from pipeline.corpus.formats import activation
from pipeline.corpus.formats.base import Format, ReadSample, Row, View
from pipeline.corpus.formats.fields import array, mapping
from pipeline.records import Dialogue

_RENAMED = {"start": "start_time", "end": "end_time"}


def write(dialogue: Dialogue, view: View) -> list[Row]:
    """A row for each question: the part of the video from when it is asked to its end, with a
    segment for each response. What the sampler does not read stands beside that.

    Raises:
        FormatError: as ``activation.write``.
    """
    return [_stride(mapping(row, "the row")) for row in activation.write(dialogue, view)]


def _stride(row: Any) -> Row:
    own = dict(row)
    video = {"video": own.pop("video"), "video_id": own.pop("video_name")}
    return {
        "video": {"source": own.pop("source"), "metadata": video},
        "query": own.pop("query"),
        "start_time": own.pop("asked_s"),
        "end_time": own.pop("duration"),
        "segment": [
            {_RENAMED.get(key, key): value for key, value in segment.items()}
            for segment in own.pop("segments")
        ],
        **own,
    }


def read(row: object) -> ReadSample:
    """The content of a row, with its one question.

    Raises:
        FormatError: ``bad_row``.
    """
    found = dict(mapping(row, "the row"))
    shown = mapping(found.get("video"), "video")
    names = mapping(shown.get("metadata"), "the metadata of the video")
    segments = [mapping(each, "a segment") for each in array(found.get("segment"), "segment")]
    return activation.read(
        found
        | {
            "video": names.get("video"),
            "source": shown.get("source", ""),
            "asked_s": found.get("start_time"),
            "duration": found.get("end_time"),
            "segments": [
                {**each, "start": each.get("start_time"), "end": each.get("end_time")}
                for each in segments
            ],
        }
    )


STRIDE = Format("stride", "jsonl", needs_images=False, write=write, read=read)
