"""What a dataset says of its videos, in the words that all adapters share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

RawKind = Literal["event", "step", "qa"]
Origin = Literal["human", "model", "asr"]


@dataclass(frozen=True)
class RawAnnotation:
    """One thing that a dataset says of a video.

    Its times are seconds from the start of the video that the dataset speaks of, and else as the
    record has them: reversed, past the end, anything finite. A text may be null or blank. Both are
    judged by the rules that hold for all sources (``rules.py``), never by an adapter.
    """

    kind: RawKind
    """``event``: something with a span; ``step``: one of a procedure; ``qa``: a question."""
    text: str | None
    """The caption, the step, or the answer."""
    start_s: float | None = None
    end_s: float | None = None
    """None of both: it holds for the whole video. ``end_s`` alone None: only a start is known."""
    question: str | None = None
    options: tuple[str, ...] = ()
    asked_s: float | None = None
    resolution_s: float = 0.0
    """What its annotators could tell apart, finite and not below 0: 5 s where they chose among
    chunks of 5 s. 0 where times are exact."""
    origin: Origin = "human"
    annotator: str = ""
    """Who of several, or which model, where the record says."""
    pointer: str = ""
    """Where in its file: the keys from the top, joined by ``/``."""


@dataclass(frozen=True)
class Place:
    """A file in which a video may be found.

    ``path`` is relative to a folder of videos; without a suffix of a video it is a stem. ``clip``
    are the seconds of that file that the dataset speaks of; None where that is all of it.
    """

    path: str
    clip: tuple[float, float] | None = None


@dataclass(frozen=True)
class Entry:
    """One video as a dataset has it, and what it says of it.

    ``name`` is the dataset's own name for it. ``platform_id`` is that of the whole video where it
    was published, such as ``youtube:dQw4w9WgXcQ``; empty where that is not known. ``places`` are
    tried in order.
    """

    name: str
    places: tuple[Place, ...]
    told: tuple[RawAnnotation, ...]
    split: str = "train"
    platform_id: str = ""


@dataclass(frozen=True)
class Unread:
    """A record that is no entry: where it stands, a short constant, and what is wrong."""

    pointer: str
    reason: str
    detail: str = ""


SUFFIXES = (
    *(".mp4", ".mkv", ".webm", ".mov", ".avi", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp"),
    *(".3g2", ".mts", ".m2ts", ".ts", ".ogv", ".gif"),
)
"""Of videos, in any case; of two files that differ in nothing else, the earlier one is taken."""


def is_utf8(text: str) -> bool:
    """Whether UTF-8 can hold a text: there are escapes in JSON for half a character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
