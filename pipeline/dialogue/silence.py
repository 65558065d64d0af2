"""Less silence in a dialogue: silent turns cut from its end, or masked out of the loss."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pipeline.records import Dialogue, Turn


def trimmed(dialogue: Dialogue, count: int) -> Dialogue:
    """The dialogue without its last ``count`` turns, all silent; one turn at least stays.

    Raises:
        ValueError: fewer turns at its end are silent.
    """
    if not 0 <= count <= dialogue.n_tail:
        raise ValueError(f"{count} of {dialogue.n_tail} silent turns at the end")
    count = min(count, len(dialogue.turns) - 1)
    return dialogue.model_copy(
        update={
            "turns": dialogue.turns[: len(dialogue.turns) - count],
            "n_silence": dialogue.n_silence - count,
            "n_tail": dialogue.n_tail - count,
        }
    )


def masked(dialogue: Dialogue, count: int, seed: int) -> Dialogue:
    """The dialogue with ``count`` of its silent turns masked out of the loss, drawn by ``seed``.

    Turns without weights get weight 1.
    """
    own = dialogue.turns[dialogue.context_turns :]
    silent = [turn for turn in own if turn.state == "silence"]
    left_out = drawn(silent, count, dialogue.sample_id, seed)
    left_out |= {turn.index for turn in dialogue.turns[: dialogue.context_turns]}
    turns = []
    for turn in dialogue.turns:
        learned = turn.index not in left_out and turn.loss is not False
        scale = 1.0 if turn.loss_scale is None else turn.loss_scale
        update = {"loss": learned, "loss_scale": scale if learned else 0.0}
        turns.append(turn.model_copy(update=update))
    return dialogue.model_copy(update={"turns": turns})


def drawn(turns: Sequence[Turn], count: int, sample_id: str, seed: int) -> set[int]:
    """The indices of ``count`` of the turns: those of the lowest hash ranks."""

    def rank(turn: Turn) -> bytes:
        return hashlib.blake2b(f"{seed} {sample_id} {turn.index}".encode(), digest_size=8).digest()

    return {turn.index for turn in sorted(turns, key=rank)[:count]}
