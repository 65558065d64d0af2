"""``qwen_vl``: the conversations of qwen-vl-finetune, which has no system message."""

from __future__ import annotations

from pipeline.corpus.formats.base import Format, ReadSample, Row, View, checked_system
from pipeline.corpus.formats.chat_rows import IMAGE, image_metadata_of, images_of, read_image_row
from pipeline.corpus.formats.fields import array, mapping, refuse, text
from pipeline.corpus.formats.turn_messages import Speakers, turn_messages
from pipeline.records import Dialogue

_SPEAKERS = Speakers("from", "value", "human", "gpt")


def write(dialogue: Dialogue, view: View) -> list[Row]:
    """The row of a dialogue or of a window of one: the system text heads the first human value.

    Raises:
        FormatError: ``placeholder_in_text``, ``token_in_text``, or ``not_carried`` where there are
            no turns.
    """
    conversations = turn_messages(dialogue, view.tokens, IMAGE, _SPEAKERS, view.memory(dialogue))
    if view.system:
        head, *others = conversations
        value = f"{checked_system(view.system)}\n{head['value']}"
        conversations = [{**head, "value": value}, *others]
    return [
        {
            "image": images_of(dialogue, view),
            "conversations": conversations,
            "system": view.system,
            **image_metadata_of(dialogue, view),
        }
    ]


def read(row: object) -> ReadSample:
    """The content of a row. Without ``system``, all before the first label is read as a question.

    Raises:
        FormatError: ``bad_row``.
    """
    found = mapping(row, "the row")
    system = text(found.get("system", ""), "system")
    values = []
    for number, value in enumerate(array(found.get("conversations"), "conversations")):
        message = mapping(value, "a value")
        if message.get("from") != ("gpt" if number % 2 else "human"):
            refuse(f"value {number} is from {message.get('from')!r}")
        values.append(text(message.get("value"), "a value"))
    if not values or len(values) % 2:
        refuse("the last value has no answer")
    if system:
        if not values[0].startswith(f"{system}\n"):
            refuse("the first value does not begin with the system text")
        values[0] = values[0].removeprefix(f"{system}\n")
    pairs = list(zip(values[::2], values[1::2], strict=True))
    return read_image_row(found, system, pairs, found.get("image"))


QWEN_VL = Format("qwen_vl", "jsonl", needs_images=True, write=write, read=read)
