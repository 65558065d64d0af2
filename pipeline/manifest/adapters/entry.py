"""Entries, which adapters make of the records of a dataset: a video with its raw annotations.

They are tuples, for a dataset has millions: one is made in a fifth of the time of a dataclass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

RawKind = Literal["event", "step", "qa"]
Origin = Literal["human", "model", "asr"]


class RawAnnotation(NamedTuple):
    """An annotation of a video as its dataset has it, before the rules (``rules.py``) are applied.

    Its times are in seconds from the start of the video, or of its clip, and otherwise as in the
    record: they may be reversed or past the end. Texts may be null or blank.
    """

    kind: RawKind
    """``event``: a described span; ``step``: one step of a procedure; ``qa``: a question."""
    text: str | None
    """The caption, the step, or the answer."""
    start_s: float | None = None
    end_s: float | None = None
    """Both None: the whole video. ``end_s`` alone None: only the start is known."""
    question: str | None = None
    options: tuple[str, ...] = ()
    asked_s: float | None = None
    resolution_s: float = 0.0
    """The resolution of the times, finite and not below 0: 5 where annotators chose among chunks of
    5 s, 0 where times are exact."""
    origin: Origin = "human"
    annotator: str = ""
    """Which person or model, where the record has it."""
    pointer: str = ""
    """Its place in the file: the keys from the top, joined by ``/``."""


class Place(NamedTuple):
    """A file in which a video may be found.

    ``path`` is relative to a folder of videos; without a video suffix it is a stem. ``clip`` is the
    part of that file which is the dataset's video, in seconds; None where that is all of it.
    """

    path: str
    clip: tuple[float, float] | None = None


class Entry(NamedTuple):
    """One video of a dataset with its annotations, of one record.

    ``name`` is the dataset's name of the video. ``platform_id`` identifies the whole video where it
    was published, such as ``youtube:dQw4w9WgXcQ``; empty where unknown. ``places`` are tried in
    order.
    """

    name: str
    places: tuple[Place, ...]
    annotations: tuple[RawAnnotation, ...]
    split: str = "train"
    platform_id: str = ""


@dataclass(frozen=True)
class Unread:
    """A record that is no entry: its pointer, the reason (a short constant), and a detail."""

    pointer: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Reading:
    """How a file is read, and why, where its records decide that all together; for people."""

    text: str


def is_utf8(text: str) -> bool:
    """Whether a text can be encoded: JSON escapes may hold half a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
