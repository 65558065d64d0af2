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
from pipeline.corpus.formats.chat_rows import metadata_of, read_chat_row
from pipeline.corpus.formats.fields import mapping, refuse, texts
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
        detail = f"{dialogue.sample_id} ends at {dialogue.turns.ends[-1]} of {dialogue.duration_s}"
        raise FormatError("not_carried", f"{detail} s, and a row of stream is about a whole video")
    path = view.video(dialogue)
    return [
        {
            "messages": messages_of(dialogue, view, _PLACEHOLDER),
            "videos": [path],
            **metadata_of(dialogue, view),
        }
    ]


def read(row: object) -> ReadSample:
    """The content of a row. ``fps`` and what follows it may be missing.

    Raises:
        FormatError: ``bad_row``.
    """
    found = mapping(row, "the row")
    system, pairs = read_messages(found)
    paths = texts(found.get("videos"), "videos")
    if len(paths) != 1:
        refuse(f"{len(paths)} videos")
    return read_chat_row(found, paths[0], system, pairs, _PLACEHOLDER)


STREAM = Format("stream", "jsonl", needs_images=False, write=write, read=read)
