"""The messages of user and assistant, a pair a turn, in the formats that are chats."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pipeline.corpus.formats.base import FormatError, ReadQuestion, checked
from pipeline.corpus.formats.fields import refuse
from pipeline.dialogue.state_tokens import StateTokens, tokens_of
from pipeline.dialogue.turn_labels import exact_rate, is_rate, label_of, read_label
from pipeline.records import Dialogue, State, Turn


def turn_messages(
    dialogue: Dialogue, tokens: StateTokens, placeholder: str
) -> list[tuple[str, str]]:
    """The user's and the assistant's message of every turn in order.

    Raises:
        FormatError: ``placeholder_in_text``, ``token_in_text``, or ``not_carried`` where there are
            no turns, or labels cannot distinguish turns of such a rate.
    """
    rate = dialogue.turns_per_s
    if not dialogue.turns:
        raise FormatError("not_carried", f"{dialogue.sample_id} has no turns")
    if not is_rate(rate):
        raise FormatError("not_carried", f"{dialogue.sample_id} has {rate} turns a second")
    pairs = []
    for turn in dialogue.turns:
        user = _label(turn.index, rate, placeholder)
        if turn.question:
            user = f"{checked(turn.question, 'a question')}\n{user}"
        if turn.state == "response":
            checked(turn.text, "a response")
        pairs.append((user, tokens.message(turn)))
    return pairs


def read_turn_messages(
    pairs: Sequence[tuple[str, str]],
    placeholder: str,
    turns_per_s: float | None,
    duration_s: float | None,
) -> tuple[tuple[Turn, ...], float]:
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
    turns: list[Turn] = []
    before: State | None = None
    for index, (user, assistant) in enumerate(pairs, first):
        expected = _label(index, rate, placeholder)
        question = user.removesuffix(expected)
        if question == user or (question and question[-1] != "\n"):
            refuse(f"turn {index} does not end with {expected!r}")
        parsed = tokens.parse(assistant)
        if parsed is None:
            refuse(f"turn {index} has none of the {tokens.name} tokens")
        state, text = parsed
        start_s, end_s = index / rate, (index + 1) / rate
        if duration_s is not None and start_s < duration_s < end_s:
            end_s = duration_s
        turns.append(
            Turn.model_construct(
                index=index,
                start_s=start_s,
                end_s=end_s,
                frame_s=start_s,
                state=state,
                transition=state != before,
                question=question[:-1],
                text=text,
                qids=[],
                rids=[],
                answers=[],
                flags=[],
                loss=None,
                loss_scale=None,
            )
        )
        before = state
    return tuple(turns), rate


def turn_questions(turns: Sequence[Turn]) -> tuple[ReadQuestion, ...]:
    """The questions of the turns, in order."""
    return tuple(ReadQuestion(turn.start_s, turn.question) for turn in turns if turn.question)


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


@lru_cache(maxsize=1 << 16)
def _label(index: int, turns_per_s: float, placeholder: str) -> str:
    return f"{label_of(index, turns_per_s)}\n{placeholder}"
