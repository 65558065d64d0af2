"""Transcripts of Live-WhisperX and Inf-Stream: a part of a video, and the timed words in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from pipeline.manifest.adapters.adapter import RawRecord
from pipeline.manifest.adapters.entry import RawAnnotation, Unread

Word = Annotated[tuple[float, float, str], Field(strict=False)]
"""Start, end and text, as a JSON array."""

Asked = Annotated[tuple[Any, float, str | None, str | None], Field(strict=False)]
"""A value that is not used, time, question and answer, as a JSON array."""

PAUSE_S = 1.0
"""A silence of this length ends a sentence."""
LONGEST_S = 15.0
"""A longer sentence is cut."""

_ENDS = (".", "?", "!", "\u2026")
_CLOSING = "\"'\u201d\u2019)]"


class Part(RawRecord):
    """A part of a message. Times are seconds in the whole video."""

    type: str
    video: str | None = None
    video_start: int | float | None = None
    video_end: int | float | None = None
    text_stream: list[Word] | None = None
    qa_stream: list[Asked] | None = None


class Message(RawRecord):
    """A message of the user or the assistant."""

    role: str
    content: list[Part]


class Line(RawRecord):
    """The messages of one record, in order."""

    items: list[Message]


@dataclass(frozen=True)
class Transcript:
    """A part of a video, the words in it, and the pointer of their message below the record."""

    video: str
    start: int | float | None
    """As written in the record, for file names are made of it."""
    end: int | float | None
    words: Sequence[tuple[float, float, str]]
    asked: Sequence[tuple[Any, float, str | None, str | None]]
    below: str


def read_transcript(line: Line, pointer: str) -> Transcript | Unread:
    """The transcript of a record; unread as ``no_video`` or ``no_words`` where it lacks one."""
    shown = next((p for p, _ in _parts(line, "user") if p.type == "video" and p.video), None)
    if shown is None or shown.video is None:
        return Unread(pointer, "no_video", "no message of the user has a video")
    for part, below in _parts(line, "assistant"):
        if part.text_stream is not None:
            times = (shown.video_start, shown.video_end)
            return Transcript(shown.video, *times, part.text_stream, part.qa_stream or (), below)
    return Unread(pointer, "no_words", "no message of the assistant has a text_stream")


def sentences(transcript: Transcript, pointer: str, start_s: float) -> Iterator[RawAnnotation]:
    """The words joined to sentences, with times relative to ``start_s``.

    A sentence ends with a closing mark, before a silence of ``PAUSE_S``, or before the word that
    would make it longer than ``LONGEST_S``: recognised speech may have no marks.
    """
    words = transcript.words
    first = 0
    for after in range(1, len(words) + 1):
        if after < len(words) and not _ends(words, first, after):
            continue
        text = " ".join(word.strip() for _, _, word in words[first:after])
        yield RawAnnotation(
            "event",
            text,
            start_s=words[first][0] - start_s,
            end_s=words[after - 1][1] - start_s,
            origin="asr",
            pointer=f"{pointer}/{transcript.below}/text_stream/{first}",
        )
        first = after


def is_offsets(line: Any) -> bool:
    """Whether a line is not a record but the list of the byte offsets of all lines."""
    items = line.get("items") if isinstance(line, dict) else None
    return isinstance(items, list) and bool(items) and all(type(i) is int for i in items)


def _ends(words: Sequence[tuple[float, float, str]], first: int, after: int) -> bool:
    """Whether a sentence from the word ``first`` ends before the word ``after``."""
    begins_s = words[first][0]
    _, end_s, text = words[after - 1]
    next_start_s, next_end_s, _ = words[after]
    ended = text.rstrip().rstrip(_CLOSING).endswith(_ENDS)
    return ended or next_start_s - end_s >= PAUSE_S or next_end_s - begins_s > LONGEST_S


def _parts(line: Line, role: str) -> Iterator[tuple[Part, str]]:
    """The parts of the messages of one role, with their pointers below the record."""
    for i, message in enumerate(line.items):
        if message.role == role:
            for k, part in enumerate(message.content):
                yield part, f"{i}/content/{k}"
