"""What user and assistant say turn by turn, in the formats in which a dialogue is a chat."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from pipeline.corpus.formats.base import FormatError, ReadQuestion, checked
from pipeline.corpus.formats.fields import refuse
from pipeline.dialogue.state_tokens import Spelling, spelling_of
from pipeline.dialogue.turn_labels import exact_rate, is_rate, label_of, read_label
from pipeline.records import Dialogue, State, Turn


def exchanges_of(dialogue: Dialogue, spelling: Spelling, placeholder: str) -> list[tuple[str, str]]:
    """What the user shows and asks, and what the assistant says, of every turn in order.

    Raises:
        FormatError: ``placeholder_in_text``, ``token_in_text``, or ``not_carried`` where there are
            no turns or their labels could not be told apart.
    """
    rate = dialogue.turns_per_s
    if not dialogue.turns:
        raise FormatError("not_carried", f"{dialogue.sample_id} has no turns")
    if not is_rate(rate):
        raise FormatError("not_carried", f"{dialogue.sample_id} has {rate} turns a second")
    silence, standby = spelling.silence, spelling.standby
    pairs = []
    for turn in dialogue.turns:
        shown = _shown(turn.index, rate, placeholder)
        if turn.question:
            shown = f"{checked(turn.question, 'a question')}\n{shown}"
        if turn.state == "silence":
            said = silence
        elif turn.state == "standby":
            said = standby
        else:
            checked(turn.text, "a response")
            said = spelling.said(turn)
        pairs.append((shown, said))
    return pairs


def read_exchanges(
    pairs: Sequence[tuple[str, str]],
    placeholder: str,
    turns_per_s: float | None,
    duration_s: float | None,
) -> tuple[tuple[Turn, ...], float]:
    """The turns and their rate, which the first label says where the row does not.

    Raises:
        FormatError: ``bad_row``.
    """
    if not pairs:
        refuse("nothing is said")
    first, rate = _first(pairs[0][0], placeholder, turns_per_s)
    spelling = spelling_of(pairs[0][1])
    if spelling is None:
        refuse("the first answer begins with no token")
    turns: list[Turn] = []
    before: State | None = None
    for index, (shown, said) in enumerate(pairs, first):
        expected = _shown(index, rate, placeholder)
        question = shown.removesuffix(expected)
        if question == shown or (question and question[-1] != "\n"):
            refuse(f"turn {index} does not end with {expected!r}")
        read = spelling.read(said)
        if read is None:
            refuse(f"turn {index} says none of the {spelling.name} tokens")
        state, text = read
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


def asked(turns: Sequence[Turn]) -> tuple[ReadQuestion, ...]:
    """What is asked in the turns, in order."""
    return tuple(ReadQuestion(turn.start_s, turn.question) for turn in turns if turn.question)


def _first(shown: str, placeholder: str, turns_per_s: float | None) -> tuple[int, float]:
    """Index of the first turn, and turns a second."""
    lines = shown.rsplit("\n", 2)
    seconds = read_label(lines[-2]) if len(lines) > 1 and lines[-1] == placeholder else None
    if seconds is None:
        refuse(f"the first turn does not end with a label and {placeholder}")
    start_s, end_s = seconds
    rate = float(1 / (end_s - start_s)) if turns_per_s is None else turns_per_s
    if not is_rate(rate):
        refuse(f"{rate} turns a second")
    return round(start_s * exact_rate(rate)), rate


@lru_cache(maxsize=1 << 16)
def _shown(index: int, turns_per_s: float, placeholder: str) -> str:
    return f"{label_of(index, turns_per_s)}\n{placeholder}"
