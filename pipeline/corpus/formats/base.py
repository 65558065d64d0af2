"""The interface of an export format: its writer, its reader, and what they share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pipeline.dialogue.memory_text import MemoryLayout, memory_text
from pipeline.dialogue.read_events import ReadEvent
from pipeline.dialogue.special_tokens import CHAT, MEDIA
from pipeline.dialogue.state_tokens import STATE_TOKENS, StateTokens
from pipeline.errors import ReasonedError
from pipeline.records import Dialogue, DialogueHead, Turns
from pipeline.records.turns import NO_TURNS

Row = dict[str, Any] | list[Any]
"""A row of a file as JSON."""

_STATE = re.compile(
    "|".join(
        re.escape(token)
        for tokens in STATE_TOKENS.values()
        for token in (tokens.silence, tokens.standby, tokens.response)
        if token
    )
)


class FormatError(ReasonedError):
    """A dialogue that a format cannot hold, or a row that is not of the format.

    ``placeholder_in_text``, ``token_in_text``, ``not_carried``, ``bad_row``, ``unknown_variable``.
    """


def name_of_video(head: DialogueHead) -> str:
    """That of its file; of a stream, which is no file, its id."""
    return name_of(head.uri) or head.video_id


def name_of(path: str) -> str:
    """The last part of the path of a video."""
    return path.rpartition("/")[2]


@dataclass(frozen=True)
class View:
    """What a writer needs beside the dialogue: tokens, system text, paths of the media."""

    tokens: StateTokens
    system: str
    """With the tokens filled in; empty for none."""
    video: Callable[[DialogueHead], str]
    """The path to write for the video."""
    image: Callable[[DialogueHead, int], str]
    """The path to write for the frame of the turn with that index."""
    weights: bool
    """Every assistant message has ``loss`` and ``loss_scale``, for trainers that read them."""
    name: Callable[[DialogueHead], str] = name_of_video
    """The name to write for the video."""
    layout: MemoryLayout = "lines"
    """How the memory of a window is written."""

    def memory(self, dialogue: Dialogue) -> str:
        """The memory of a window as text; empty where it has none."""
        return memory_text(dialogue.memory, self.layout)


@dataclass(frozen=True)
class ReadQuestion:
    """A question, in seconds."""

    time_s: float
    text: str


@dataclass(frozen=True)
class ExactEvent:
    """A response with the span that its annotation has, where a format holds it."""

    rid: str
    """Empty where the format has no ids."""
    kind: Literal["instant", "event"]
    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class ReadSample:
    """The content of a row. What it lacks is empty, or None where it is a number."""

    video: str
    task: str
    source: str
    questions: tuple[ReadQuestion, ...]
    """In a format of turns: one for each turn with a question, at the start of the turn."""
    events: tuple[ReadEvent | ExactEvent, ...]
    """To the precision of a turn in a format of turns (``ReadEvent``), as annotated in others."""
    turns: Turns = NO_TURNS
    """Without ids and weights; frames are assumed to be on time."""
    sample_id: str = ""
    whole_id: str = ""
    context_turns: int = 0
    system: str = ""
    images: tuple[str, ...] = ()
    turns_per_s: float | None = None
    duration_s: float | None = None
    licence: str = ""
    models: tuple[str, ...] = ()
    is_negative: bool = False
    memory: str = ""
    """Of a window, as text."""


@dataclass(frozen=True)
class Format:
    """A format of files to train from.

    ``write`` gives the rows of a dialogue, one or, in ``activation`` and ``stride``, one a
    question; it raises ``FormatError`` for ``placeholder_in_text``, ``token_in_text`` and
    ``not_carried``. ``read`` takes one row as JSON back; it raises ``FormatError`` for ``bad_row``
    and nothing else, whatever the row is.
    """

    name: str
    suffix: Literal["json", "jsonl"]
    """One array, or one row a line."""
    needs_images: bool
    write: Callable[[Dialogue, View], list[Row]]
    read: Callable[[object], ReadSample]
    save: Callable[[Path, Iterable[Row]], int] | None = None
    """Writes a whole file where it is more than its rows, and returns how many rows it has."""
    load: Callable[[Path], Iterator[object]] | None = None
    """Reads the rows of such a file as JSON."""
    judge: Callable[[Dialogue, Row], Mapping[str, int]] | None = None
    """Counts what becomes of the responses of a dialogue when its row is read by the converter that
    the format is for."""


def checked(text: str, what: str) -> str:
    """The text of a question or a response, unchanged.

    Raises:
        FormatError: ``placeholder_in_text`` (a trainer would read it as an image or a video) or
            ``token_in_text`` (as a state, or as the end of a turn).
    """
    if "<" not in text and "[" not in text:  # as in nearly every text, and in no token
        return text
    _check_tokens(text, what)
    found = _STATE.search(text)
    if found:
        raise FormatError("token_in_text", f"{what} holds {found[0]}")
    return text


@lru_cache(maxsize=64)
def checked_system(text: str) -> str:
    """The system text, unchanged; state tokens are allowed in it. All rows of a file have the same.

    Raises:
        FormatError: ``placeholder_in_text``, ``token_in_text`` for a token of a chat template.
    """
    _check_tokens(text, "the system text")
    return text


def _check_tokens(text: str, what: str) -> None:
    for reason, pattern in (("placeholder_in_text", MEDIA), ("token_in_text", CHAT)):
        if found := pattern.search(text):
            raise FormatError(reason, f"{what} holds {found[0]}")


def check_whole(dialogue: Dialogue, name: str) -> None:
    """Raises FormatError ``not_carried`` for a dialogue that is a window, or of a stream: a row of
    ``name`` names one video file."""
    if dialogue.memory:
        detail = f"not supported: a row of {name} has no place for the memory of a window"
        raise FormatError("not_carried", f"{detail}, which {dialogue.sample_id} is")
    if dialogue.clips:
        detail = f"{dialogue.sample_id} is of a stream of {len(dialogue.clips)} clips"
        raise FormatError("not_carried", f"{detail}, and a row of {name} names one file")
    if dialogue.whole_id or not dialogue.turns or dialogue.turns.first:
        detail = f"{dialogue.sample_id} is a window, and a row of {name} is about a whole video"
        raise FormatError("not_carried", detail)


def check_file(dialogue: Dialogue, name: str) -> None:
    """Raises FormatError ``not_carried`` for a dialogue about a clip of a file."""
    if dialogue.clip_start_s or dialogue.clip_end_s is not None:
        detail = f"{dialogue.sample_id} is about a clip, and {name} shows the file from its start"
        raise FormatError("not_carried", f"{detail}: cut the clip first")
