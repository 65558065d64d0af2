"""``stream``: the chat of the Streamo trainer, a ``<stream>`` a turn and the video as one file."""

from __future__ import annotations

from pipeline.corpus.formats.base import (
    Format,
    FormatError,
    ReadSample,
    Row,
    View,
    check_file,
    check_whole,
)
from pipeline.corpus.formats.chat import messages_of, read_messages
from pipeline.corpus.formats.fields import mapping, optional_number, refuse, text, texts
from pipeline.corpus.formats.turn_messages import read_turn_messages, turn_questions
from pipeline.dialogue.read_events import read_events
from pipeline.records import Dialogue

_PLACEHOLDER = "<stream>"


def write(dialogue: Dialogue, view: View) -> list[Row]:
    """The row of a dialogue.

    Raises:
        FormatError: ``not_carried`` for a window, a clip, or where turns were cut off, or
            ``placeholder_in_text`` or ``token_in_text``.
    """
    check_whole(dialogue, "stream")
    check_file(dialogue, "stream")
    # The trainer takes the frames of the whole video, and drops a row that has two turns less.
    if len(dialogue.turns) + 1 < int(dialogue.duration_s * dialogue.turns_per_s):
        detail = f"{dialogue.sample_id} ends at {dialogue.turns[-1].end_s} of {dialogue.duration_s}"
        raise FormatError("not_carried", f"{detail} s, and a row of stream is about a whole video")
    path = view.video(dialogue)
    return [
        {
            "messages": messages_of(dialogue, view, _PLACEHOLDER),
            "videos": [path],
            "video_name": view.name(dialogue),
            "task_type": dialogue.task,
            "source": dialogue.source,
            "fps": dialogue.turns_per_s,
            "duration": dialogue.duration_s,
            "sample_id": dialogue.sample_id,
        }
    ]


def read(row: object) -> ReadSample:
    """What a row says. ``fps`` and what follows it may be missing.

    Raises:
        FormatError: ``bad_row``.
    """
    found = mapping(row, "the row")
    system, pairs = read_messages(found)
    paths = texts(found.get("videos"), "videos")
    if len(paths) != 1:
        refuse(f"{len(paths)} videos")
    duration_s = optional_number(found, "duration")
    rate = optional_number(found, "fps")
    turns, rate = read_turn_messages(pairs, _PLACEHOLDER, rate, duration_s)
    return ReadSample(
        video=paths[0],
        task=text(found.get("task_type", ""), "task_type"),
        source=text(found.get("source", ""), "source"),
        questions=turn_questions(turns),
        events=read_events(turns),
        turns=turns,
        sample_id=text(found.get("sample_id", ""), "sample_id"),
        system=system,
        turns_per_s=rate,
        duration_s=duration_s,
    )


STREAM = Format("stream", "jsonl", needs_images=False, write=write, read=read)
