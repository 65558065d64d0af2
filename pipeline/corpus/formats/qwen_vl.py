"""``qwen_vl``: the conversations of qwen-vl-finetune, which knows no system turn."""

from __future__ import annotations

from pipeline.corpus.formats.base import Format, ReadSample, Row, View, checked_system
from pipeline.corpus.formats.fields import array, mapping, refuse, text
from pipeline.corpus.formats.image_rows import IMAGE, images_of, metadata_of, read_image_row
from pipeline.corpus.formats.turn_messages import turn_messages
from pipeline.records import Dialogue


def write(dialogue: Dialogue, view: View) -> list[Row]:
    """The row of a dialogue or of a window of one: the system text heads the first human value.

    Raises:
        FormatError: ``placeholder_in_text``, ``token_in_text``, or ``not_carried`` where there are
            no turns.
    """
    pairs = turn_messages(dialogue, view.tokens, IMAGE)
    if view.system:
        shown, said = pairs[0]
        pairs[0] = f"{checked_system(view.system)}\n{shown}", said
    conversations = []
    for shown, said in pairs:
        conversations.append({"from": "human", "value": shown})
        conversations.append({"from": "gpt", "value": said})
    return [
        {
            "image": images_of(dialogue, view),
            "conversations": conversations,
            "system": view.system,
            **metadata_of(dialogue, view),
        }
    ]


def read(row: object) -> ReadSample:
    """What a row says. Without ``system``, all before the first label is taken for a question.

    Raises:
        FormatError: ``bad_row``.
    """
    found = mapping(row, "the row")
    system = text(found.get("system", ""), "system")
    values = []
    for number, value in enumerate(array(found.get("conversations"), "conversations")):
        said = mapping(value, "a value")
        if said.get("from") != ("gpt" if number % 2 else "human"):
            refuse(f"value {number} is said by {said.get('from')!r}")
        values.append(text(said.get("value"), "a value"))
    if not values or len(values) % 2:
        refuse("the last value has no answer")
    if system:
        if not values[0].startswith(f"{system}\n"):
            refuse("the first value does not begin with the system text")
        values[0] = values[0].removeprefix(f"{system}\n")
    pairs = list(zip(values[::2], values[1::2], strict=True))
    return read_image_row(found, system, pairs, found.get("image"))


QWEN_VL = Format("qwen_vl", "jsonl", needs_images=True, write=write, read=read)
