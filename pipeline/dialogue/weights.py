"""Training weights of turns (``loss`` and ``loss_scale``) by named presets.

No preset trains on context turns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.dialogue.silence import drawn
from pipeline.dialogue.state_counts import StateCounts
from pipeline.records import Dialogue, Turn

Preset = Literal[
    "streamo_fixed", "first_silence", "transitions", "inverse_silence", "class_balanced"
]

FIXED = {"silence": 0.3, "standby": 1.3, "response": 2.0}
"""arXiv:2512.21334, table of losses: the fixed scale that the focal loss is compared with."""
FIRST_SILENCE, REPEATED_SILENCE, RESPONSE = 1.0, 0.8, 1.5
"""arXiv:2606.08615: the first silence of a run, each further one, a response; 1 otherwise."""
BETA = 0.9999
"""arXiv:2605.16381, after the class-balanced loss of arXiv:1901.05555."""


def weigh(
    dialogue: Dialogue, preset: Preset, *, seed: int = 0, corpus: StateCounts | None = None
) -> Dialogue:
    """The dialogue with ``loss`` and ``loss_scale`` set on every turn.

    ``streamo_fixed``: 0.3, 1.3, 2.0 for silence, standby, response. ``first_silence``: 1.0 for the
    first silence of a run, 0.8 for those that follow it, 1.5 for a response, 1.0 for standby.
    ``transitions``: every turn whose state differs from the one before, and as many of the others,
    drawn by ``seed`` and sample; the rest has no loss. ``inverse_silence``: a silence
    counts one over the silences of the dialogue, the rest 1. ``class_balanced``: with b = 0.9999,
    (1 - b) / (1 - b^n) for a state of n turns in ``corpus``, scaled to average 1.

    Raises:
        ValueError: ``class_balanced`` without the counts of the corpus.
    """
    own = dialogue.turns[dialogue.context_turns :]
    scales: Sequence[float | None]
    match preset:
        case "streamo_fixed":
            scales = [FIXED[turn.state] for turn in own]
        case "first_silence":
            scales = [_harness(turn) for turn in own]
        case "transitions":
            chosen = _persistences(own, dialogue.sample_id, seed)
            scales = [1.0 if t.transition or t.index in chosen else None for t in own]
        case "inverse_silence":
            silences = sum(turn.state == "silence" for turn in own)
            scales = [1.0 / silences if turn.state == "silence" else 1.0 for turn in own]
        case "class_balanced":
            if corpus is None:
                raise ValueError("class_balanced needs the states of the whole corpus")
            weights = class_balanced(corpus)
            scales = [weights[turn.state] for turn in own]
    turns = [_weighed(turn, None) for turn in dialogue.turns[: dialogue.context_turns]]
    turns += [_weighed(turn, scale) for turn, scale in zip(own, scales, strict=True)]
    return dialogue.model_copy(update={"turns": turns})


def class_balanced(counts: StateCounts) -> dict[str, float]:
    """The weight of each state by the effective number of its turns; an absent one weighs 0."""
    raw = {
        state: (1 - BETA) / (1 - BETA**count) if count else 0.0
        for state, count in counts.model_dump().items()
    }
    present = sum(1 for weight in raw.values() if weight)
    whole = sum(raw.values())
    return {state: weight * present / whole if whole else 0.0 for state, weight in raw.items()}


def _harness(turn: Turn) -> float:
    if turn.state == "silence":
        return FIRST_SILENCE if turn.transition else REPEATED_SILENCE
    return RESPONSE if turn.state == "response" else 1.0


def _persistences(turns: Sequence[Turn], sample_id: str, seed: int) -> set[int]:
    rest = [turn for turn in turns if not turn.transition]
    return drawn(rest, len(turns) - len(rest), sample_id, seed)


def _weighed(turn: Turn, scale: float | None) -> Turn:
    return turn.model_copy(update={"loss": scale is not None, "loss_scale": scale or 0.0})
