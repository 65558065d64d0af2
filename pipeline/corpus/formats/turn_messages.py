"""The messages of user and assistant, one of each a turn, in the formats that are chats."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pipeline.corpus.formats.base import FormatError, ReadQuestion, checked
from pipeline.corpus.formats.fields import refuse
from pipeline.dialogue.state_tokens import StateTokens, tokens_of
from pipeline.dialogue.tiling import even_times
from pipeline.dialogue.turn_labels import exact_rate, is_rate, label_of, read_label
from pipeline.records import Dialogue, Turns
from pipeline.records.turns import RESPONSE, STANDBY, STATES, Asked, Said

Message = dict[str, Any]
_BLOCK = 64
"""Turns whose messages are made at once."""
_BLOCKS = 128
"""So many of these are kept: 8192 turns."""


class Speakers(NamedTuple):
    """How a format writes a message: the keys of speaker and text, and the names of the two."""

    speaker: str
    text: str
    user: str
    assistant: str


def turn_messages(
    dialogue: Dialogue,
    tokens: StateTokens,
    placeholder: str,
    speakers: Speakers,
    memory: str = "",
) -> list[Message]:
    """The user's message and the assistant's of every turn, in order; the first begins with the
    memory, as text, if there is one.

    Messages of turns in which nothing is asked or said are shared, with other dialogues too: they
    are there to be written, and a change of one would be seen in all.

    Raises:
        FormatError: ``placeholder_in_text``, ``token_in_text``, or ``not_carried`` where there are
            no turns, labels cannot distinguish turns of such a rate, or ``tokens`` has none for
            a state.
    """
    rate, turns = dialogue.turns_per_s, dialogue.turns
    if not turns:
        raise FormatError("not_carried", f"{dialogue.sample_id} has no turns")
    if not is_rate(rate):
        raise FormatError("not_carried", f"{dialogue.sample_id} has {rate} turns a second")
    if not tokens.standby and STANDBY in turns.states:
        without = f"{tokens.name} has no token for the standby of {dialogue.sample_id}"
        raise FormatError("not_carried", f"not supported: {without}")
    by, text, user, assistant = speakers
    block, begins = divmod(turns.first, _BLOCK)
    users: list[Message] = []
    while len(users) < begins + len(turns):
        users += _labels(block, rate, placeholder, speakers)
        block += 1
    users = users[begins : begins + len(turns)]
    idle = [{by: assistant, text: tokens.token(state)} for state in STATES]
    assistants: list[Message] = [idle[state] for state in turns.states]
    # Faults are found in the order of the turns.
    for place in sorted(turns.asked.keys() | turns.said.keys()):
        asked, said = turns.asked.get(place), turns.said.get(place)
        if asked is not None and asked.text:
            question = checked(asked.text, "a question")
            users[place] = {by: user, text: f"{question}\n{users[place][text]}"}
        if said is not None and turns.states[place] == RESPONSE:
            answer = f"{tokens.response} {checked(said.text, 'a response')}"
            assistants[place] = {by: assistant, text: answer}
    if memory:
        users[0] = {by: user, text: f"{checked(memory, 'the memory')}\n{users[0][text]}"}
    messages = [*users, *assistants]
    messages[::2], messages[1::2] = users, assistants
    return messages


def read_turn_messages(
    pairs: Sequence[tuple[str, str]],
    placeholder: str,
    turns_per_s: float | None,
    duration_s: float | None,
) -> tuple[Turns, float]:
    """The turns and their rate, taken from the first label where ``turns_per_s`` is None.

    Raises:
        FormatError: ``bad_row``.
    """
    if not pairs:
        refuse("there are no turns")
    first, rate = _first(pairs[0][0], placeholder, turns_per_s)
    tokens = tokens_of(pairs[0][1])
    if tokens is None:
        refuse("the first answer begins with no token")
    count = len(pairs)
    expected = _label_texts(first, first + count, rate, placeholder)
    idle = {tokens.token(state): code for code, state in enumerate(STATES) if code != RESPONSE}
    idle.pop("", None)
    states = bytearray(count)
    asked: dict[int, Asked] = {}
    said: dict[int, Said] = {}
    for place, (label, (user, assistant)) in enumerate(zip(expected, pairs, strict=True)):
        code = idle.get(assistant)
        if code is not None and user == label:  # as in nearly all turns
            states[place] = code
            continue
        question = user.removesuffix(label)
        if (question == user) or (question and question[-1] != "\n"):
            refuse(f"turn {first + place} does not end with {label!r}")
        parsed = tokens.parse(assistant)
        if parsed is None:
            refuse(f"turn {first + place} has none of the {tokens.name} tokens")
        if question[:-1]:
            asked[place] = Asked(question[:-1], ())
        if parsed[1]:
            said[place] = Said(parsed[1], (), ())
        states[place] = STATES.index(parsed[0])
    times = even_times(count + 1, rate, first)
    starts, ends = times[:-1], times[1:]
    if duration_s is not None and (last := bisect_left(starts, duration_s) - 1) >= 0:
        ends = (*ends[:last], min(ends[last], duration_s), *ends[last + 1 :])
    return Turns(first, starts, ends, starts, bytes(states), asked, said), rate


def turn_questions(turns: Turns) -> tuple[ReadQuestion, ...]:
    """The questions of the turns, in order."""
    asked = turns.asked.items()
    return tuple(ReadQuestion(turns.starts[at], each.text) for at, each in asked if each.text)


def _first(user: str, placeholder: str, turns_per_s: float | None) -> tuple[int, float]:
    """Index of the first turn, and turns a second."""
    lines = user.rsplit("\n", 2)
    seconds = read_label(lines[-2]) if len(lines) > 1 and lines[-1] == placeholder else None
    if seconds is None:
        refuse(f"the first turn does not end with a label and {placeholder}")
    start_s, end_s = seconds
    rate = float(1 / (end_s - start_s)) if turns_per_s is None else turns_per_s
    if not is_rate(rate):
        refuse(f"{rate} turns a second")
    return round(start_s * exact_rate(rate)), rate


def _label_texts(first: int, end: int, turns_per_s: float, placeholder: str) -> list[str]:
    """What ends the user's message of each of the turns ``[first, end)``."""
    blocks = range(first // _BLOCK, (end - 1) // _BLOCK + 1)
    texts = [text for block in blocks for text in _block(block, turns_per_s, placeholder)]
    skipped = first % _BLOCK
    return texts[skipped : skipped + end - first]


@lru_cache(maxsize=_BLOCKS)
def _labels(
    block: int, turns_per_s: float, placeholder: str, speakers: Speakers
) -> tuple[Message, ...]:
    """The user's messages of ``_BLOCK`` turns in which nothing is asked."""
    by, text, user, _ = speakers
    return tuple({by: user, text: label} for label in _block(block, turns_per_s, placeholder))


@lru_cache(maxsize=_BLOCKS)
def _block(block: int, turns_per_s: float, placeholder: str) -> tuple[str, ...]:
    indices = range(block * _BLOCK, (block + 1) * _BLOCK)
    return tuple(f"{label_of(index, turns_per_s)}\n{placeholder}" for index in indices)
