"""The key ``messages`` of a row: a system message, then user and assistant alternately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.corpus.formats.base import View, checked_system
from pipeline.corpus.formats.fields import array, mapping, refuse, text
from pipeline.corpus.formats.turn_messages import Message, Speakers, turn_messages
from pipeline.records import Dialogue

_SPEAKERS = Speakers("role", "content", "user", "assistant")


def messages_of(dialogue: Dialogue, view: View, placeholder: str) -> list[Message]:
    """The messages of a dialogue; the system's comes first, where there is a system text.

    Raises:
        FormatError: ``placeholder_in_text``, ``token_in_text`` or ``not_carried``.
    """
    messages = turn_messages(dialogue, view.tokens, placeholder, _SPEAKERS, view.memory(dialogue))
    if view.weights:
        nothing = (None,) * len(dialogue.turns)
        losses, scales = dialogue.turns.losses or nothing, dialogue.turns.loss_scales or nothing
        for place, (loss, scale) in enumerate(zip(losses, scales, strict=True)):
            learned, weight = _weight(loss, scale, place < dialogue.context_turns)
            answer = messages[2 * place + 1]
            messages[2 * place + 1] = {**answer, "loss": learned, "loss_scale": weight}
    if view.system:
        system = {"role": "system", "content": checked_system(view.system)}
        return [system, *messages]
    return messages


def read_messages(row: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The system text, empty where there is none, and the pairs of user and assistant messages.

    Raises:
        FormatError: ``bad_row``.
    """
    found = array(row.get("messages"), "messages")
    roles: list[Any] = [each.get("role") if isinstance(each, dict) else None for each in found]
    contents: list[Any] = [
        each.get("content") if isinstance(each, dict) else None for each in found
    ]
    if not {*map(type, roles), *map(type, contents)} <= {str}:
        _refuse_messages(found)
    system = contents.pop(0) if roles[:1] == ["system"] else ""
    del roles[: len(roles) - len(contents)]
    if len(roles) % 2:
        refuse("the last message has no answer")
    if roles != ["user", "assistant"] * (len(roles) // 2):
        for number, role in enumerate(roles):
            if role != ("assistant" if number % 2 else "user"):
                refuse(f"message {number} has the role {role!r}")
    return system, list(zip(contents[::2], contents[1::2], strict=True))


def _weight(loss: bool | None, scale: float | None, context: bool) -> tuple[bool, float]:
    if context:
        return False, 0.0
    return loss is not False, 1.0 if scale is None else scale


def _refuse_messages(messages: Sequence[object]) -> None:
    """Names the first that is no message."""
    for message in messages:
        found = mapping(message, "a message")
        text(found.get("role"), "a role")
        text(found.get("content"), "a content")
