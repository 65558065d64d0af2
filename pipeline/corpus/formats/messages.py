"""``messages``: the chat that ms-swift 4 and LLaMA-Factory read alike, an ``<image>`` a turn."""

from __future__ import annotations

from typing import Any

from pipeline.corpus.formats.base import Format, ReadSample, Row, View
from pipeline.corpus.formats.chat import messages_of, read_messages
from pipeline.corpus.formats.chat_rows import IMAGE, image_metadata_of, images_of, read_image_row
from pipeline.corpus.formats.fields import mapping
from pipeline.records import Dialogue


def write(dialogue: Dialogue, view: View) -> list[Row]:
    """The row of a dialogue or of a window of one.

    Raises:
        FormatError: ``placeholder_in_text``, ``token_in_text``, or ``not_carried`` where there are
            no turns.
    """
    return [
        {
            "messages": messages_of(dialogue, view, IMAGE),
            "images": images_of(dialogue, view),
            **image_metadata_of(dialogue, view),
        }
    ]


def read(row: object) -> ReadSample:
    """The content of a row. Only ``messages`` and ``images`` must be there.

    Raises:
        FormatError: ``bad_row``.
    """
    found = mapping(row, "the row")
    system, pairs = read_messages(found)
    return read_image_row(found, system, pairs, found.get("images"))


def dataset_info(name: str, file_name: str) -> dict[str, Any]:
    """What LLaMA-Factory's ``dataset_info.json`` is to say of a file of such rows."""
    return {
        name: {
            "file_name": file_name,
            "formatting": "sharegpt",
            "columns": {"messages": "messages", "images": "images"},
            "tags": {
                "role_tag": "role",
                "content_tag": "content",
                "user_tag": "user",
                "assistant_tag": "assistant",
                "system_tag": "system",
            },
        }
    }


MESSAGES = Format("messages", "jsonl", needs_images=True, write=write, read=read)
