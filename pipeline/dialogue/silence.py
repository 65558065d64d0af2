"""Less silence, and standby, in a dialogue: cut from its end, or masked out of the loss."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pipeline.records import Dialogue
from pipeline.records.turns import SILENCE, STANDBY


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


def masked(dialogue: Dialogue, silence: int, standby: int, seed: int) -> Dialogue:
    """The dialogue with so many of its turns in each of the two states masked out of the loss,
    drawn by ``seed``.

    Turns without weights get weight 1.
    """
    turns, context = dialogue.turns, dialogue.context_turns
    left_out: set[int] = set()
    for code, count in ((SILENCE, silence), (STANDBY, standby)):
        own = (p for p in range(context, len(turns)) if turns.states[p] == code)
        indices = (turns.first + place for place in own)
        left_out |= drawn(indices, count, dialogue.sample_id, seed)
    left_out.update(range(turns.first, turns.first + context))
    nothing = (None,) * len(turns)
    before = turns.losses or nothing
    learned = [
        index not in left_out and loss is not False
        for index, loss in enumerate(before, turns.first)
    ]
    scales = [
        (1.0 if scale is None else scale) if own else 0.0
        for own, scale in zip(learned, turns.loss_scales or nothing, strict=True)
    ]
    return dialogue.model_copy(update={"turns": turns.weighed(learned, scales)})


def drawn(indices: Iterable[int], count: int, sample_id: str, seed: int) -> set[int]:
    """``count`` of the indices of turns: those of the lowest hash ranks."""

    def rank(index: int) -> bytes:
        return hashlib.blake2b(f"{seed} {sample_id} {index}".encode(), digest_size=8).digest()

    return set(sorted(indices, key=rank)[:count])
