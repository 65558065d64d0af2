"""Lines of two messages: a part of a video, and the words that are said in it."""

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
"""Something that is not used, time, question and answer, as a JSON array."""

PAUSE_S = 1.0
"""A silence that long ends a sentence."""
LONGEST_S = 15.0
"""A sentence without an end in sight is cut here."""

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
    """What one of the two says."""

    role: str
    content: list[Part]


class Line(RawRecord):
    """The messages of one record, in order."""

    items: list[Message]


@dataclass(frozen=True)
class Spoken:
    """A part of a video, the words in it, and where those stand below the record."""

    video: str
    start: int | float | None
    """As the record spells it, for names of files are made of it."""
    end: int | float | None
    words: Sequence[tuple[float, float, str]]
    asked: Sequence[tuple[Any, float, str | None, str | None]]
    below: str


def spoken(line: Line, pointer: str) -> Spoken | Unread:
    """What a record holds; ``no_video`` or ``no_words`` where it lacks one of them."""
    shown = next((p for p, _ in _parts(line, "user") if p.type == "video" and p.video), None)
    if shown is None or shown.video is None:
        return Unread(pointer, "no_video", "no message of the user has a video")
    for part, below in _parts(line, "assistant"):
        if part.text_stream is not None:
            times = (shown.video_start, shown.video_end)
            return Spoken(shown.video, *times, part.text_stream, part.qa_stream or (), below)
    return Unread(pointer, "no_words", "no message of the assistant has a text_stream")


def sentences(spoken: Spoken, pointer: str, start_s: float) -> Iterator[RawAnnotation]:
    """The words put together, with times from ``start_s`` on.

    A sentence ends with a mark that ends one, before a silence of ``PAUSE_S``, or before the word
    with which it would be longer than ``LONGEST_S``: recognised speech need not have any marks.
    """
    words = spoken.words
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
            pointer=f"{pointer}/{spoken.below}/text_stream/{first}",
        )
        first = after


def is_offsets(line: Any) -> bool:
    """Whether a line is no record but a list of whole numbers: where the other lines begin."""
    items = line.get("items") if isinstance(line, dict) else None
    return isinstance(items, list) and bool(items) and all(type(i) is int for i in items)


def _ends(words: Sequence[tuple[float, float, str]], first: int, after: int) -> bool:
    """Whether a sentence from the word ``first`` ends before the word ``after``."""
    begins_s = words[first][0]
    _, said_s, text = words[after - 1]
    next_s, over_s, _ = words[after]
    ended = text.rstrip().rstrip(_CLOSING).endswith(_ENDS)
    return ended or next_s - said_s >= PAUSE_S or over_s - begins_s > LONGEST_S


def _parts(line: Line, role: str) -> Iterator[tuple[Part, str]]:
    """The parts of the messages of one role, and where they stand."""
    for i, message in enumerate(line.items):
        if message.role == role:
            for k, part in enumerate(message.content):
                yield part, f"{i}/content/{k}"
