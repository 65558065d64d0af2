"""The rows of the Parquet files of a corpus, kind by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa

from pipeline.corpus.features import IMAGE_TYPE, with_features
from pipeline.corpus.formats.base import View
from pipeline.corpus.formats.chat import messages_of
from pipeline.corpus.formats.chat_rows import IMAGE
from pipeline.corpus.layout import VideoSample
from pipeline.corpus.names import frame_name
from pipeline.corpus.parquet import Form
from pipeline.corpus.preview import plain_preview
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.records import Dialogue, FramedSegment
from pipeline.records.schema import schema_of, to_table

_TURN_BYTES = 150
_TEXT_BYTES = 2_000
MOST_FRAMES: Final = 8
MOST_FRAME_BYTES: Final = 1_000_000
"""Of a row of ``PREVIEW_FORM``: the Hub's viewer shows rows of up to 2 MB."""

_MESSAGE = pa.struct(
    [
        pa.field("role", pa.string(), nullable=False),
        pa.field("content", pa.string(), nullable=False),
        pa.field("loss", pa.bool_()),
        pa.field("loss_scale", pa.float64()),
    ]
)
_HEAD = ("sample_id", "video_id", "task", "source", "licence", "duration_s", "turns_per_s")
VIEW: Final = View(
    tokens=STATE_TOKENS["official"],
    system="",
    video=lambda head: head.uri,
    image=frame_name,
    weights=True,
)
"""How ``messages`` are written; ``export`` has choices."""


class Chat(NamedTuple):
    """A dialogue as messages."""

    dialogue: Dialogue
    messages: list[dict[str, Any]]

    @classmethod
    def of(cls, dialogue: Dialogue) -> Chat:
        """Its messages, one of the user and one of the assistant a turn.

        Raises:
            FormatError: a text holds what a trainer would read as an image or a state.
        """
        return cls(dialogue, messages_of(dialogue, VIEW, IMAGE))


class Shown(NamedTuple):
    """A dialogue to look at, with frames of turns in which something is asked or said."""

    dialogue: Dialogue
    frames: tuple[FramedSegment, ...]

    @classmethod
    def of(cls, dialogue: Dialogue, sample: VideoSample) -> Shown:
        """With as many frames as go into a row, the first ones."""
        turns, frames, size_bytes = dialogue.turns, list[FramedSegment](), 0
        for place in sorted(turns.asked.keys() | turns.said.keys()) if sample.frames else ():
            frame = sample.frames[turns.first + place]
            size_bytes += len(frame.jpeg)
            if len(frames) == MOST_FRAMES or size_bytes > MOST_FRAME_BYTES:
                break
            frames.append(frame)
        return cls(dialogue, tuple(frames))


def _heads(dialogues: Sequence[Dialogue]) -> list[pa.Array[Any]]:
    schema = schema_of(Dialogue)
    return [
        pa.array([getattr(each, name) for each in dialogues], schema.field(name).type)
        for name in _HEAD
    ]


def _head_fields() -> list[pa.Field[Any]]:
    schema = schema_of(Dialogue)
    return [schema.field(name) for name in _HEAD]


def _picture(frame: FramedSegment) -> dict[str, Any]:
    return {"bytes": frame.jpeg, "path": frame_name(frame, frame.index)}


DIALOGUE_FORM: Final = Form[Dialogue](
    schema_of(Dialogue),
    lambda rows: to_table(Dialogue, rows),
    lambda row: _TEXT_BYTES + _TURN_BYTES * len(row.turns),
)

_MESSAGES_SCHEMA = pa.schema(
    [
        *_head_fields(),
        pa.field("messages", pa.list_(pa.field("item", _MESSAGE, nullable=False)), nullable=False),
        pa.field("images", pa.list_(pa.field("item", pa.string(), nullable=False)), nullable=False),
    ]
)


def _message_table(rows: Sequence[Chat]) -> pa.Table:
    dialogues = [row.dialogue for row in rows]
    columns = [
        *_heads(dialogues),
        pa.array([row.messages for row in rows], _MESSAGES_SCHEMA.field("messages").type),
        pa.array(
            [[frame_name(each, index) for index in each.turns.indices] for each in dialogues],
            _MESSAGES_SCHEMA.field("images").type,
        ),
    ]
    return pa.Table.from_arrays(columns, schema=_MESSAGES_SCHEMA)


MESSAGE_FORM: Final = Form[Chat](
    _MESSAGES_SCHEMA,
    _message_table,
    lambda row: _TEXT_BYTES + _TURN_BYTES * len(row.messages),
)

_FRAME_NAMES = ("video_id", "index", "start_s", "end_s", "frame_s", "turns_per_s")
_FRAME_SCHEMA = with_features(
    pa.schema(
        [
            *(schema_of(FramedSegment).field(name) for name in _FRAME_NAMES),
            pa.field("image", IMAGE_TYPE),
        ]
    )
)


def _frame_table(rows: Sequence[FramedSegment]) -> pa.Table:
    columns = [
        pa.array([getattr(row, name) for row in rows], _FRAME_SCHEMA.field(name).type)
        for name in _FRAME_NAMES
    ]
    pictures = pa.array([_picture(row) for row in rows], IMAGE_TYPE)
    return pa.Table.from_arrays([*columns, pictures], schema=_FRAME_SCHEMA)


FRAME_FORM: Final = Form[FramedSegment](
    _FRAME_SCHEMA,
    _frame_table,
    lambda row: 200 + len(row.jpeg),
    compression="none",
    dictionary=["video_id", "turns_per_s"],
)
"""Pictures do not compress, and their times are few."""


def preview_form(*, frames: bool) -> Form[Shown]:
    """Dialogues as text, with some frames and their times where there are any."""
    fields = [*_head_fields(), pa.field("text", pa.string(), nullable=False)]
    if frames:
        fields += [
            pa.field("frames", pa.list_(IMAGE_TYPE)),
            pa.field("frame_s", pa.list_(pa.float64())),
        ]
    schema = with_features(pa.schema(fields))

    def table(rows: Sequence[Shown]) -> pa.Table:
        dialogues = [row.dialogue for row in rows]
        columns = [*_heads(dialogues), pa.array([plain_preview(each) for each in dialogues])]
        if frames:
            pictures = [[_picture(frame) for frame in row.frames] for row in rows]
            times = [[frame.frame_s for frame in row.frames] for row in rows]
            columns += [pa.array(pictures, pa.list_(IMAGE_TYPE)), pa.array(times, fields[-1].type)]
        return pa.Table.from_arrays(columns, schema=schema)

    return Form(
        schema,
        table,
        lambda row: sum(len(frame.jpeg) for frame in row.frames),
        dictionary=["task", "source", "licence"],
    )
