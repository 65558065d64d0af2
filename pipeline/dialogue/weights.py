"""Training weights of turns (``loss`` and ``loss_scale``) by named presets.

No preset trains on context turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Literal

from pipeline.dialogue.silence import drawn
from pipeline.dialogue.state_counts import StateCounts
from pipeline.records import Dialogue, State
from pipeline.records.turns import STATES

Preset = Literal[
    "streamo_fixed", "first_silence", "transitions", "inverse_silence", "class_balanced"
]

FIXED = {"silence": 0.3, "standby": 1.3, "response": 2.0}
"""arXiv:2512.21334, table of losses: the fixed scale that the focal loss is compared with."""
FIRST_SILENCE, REPEATED_SILENCE, RESPONSE = 1.0, 0.8, 1.5
"""arXiv:2606.08615: the first silence of a run, each further one, a response; 1 otherwise."""
NORMALISERS: Mapping[Preset, str] = {
    "first_silence": "The loss is divided by the number of supervised tokens.",
}
"""By what a trainer divides the weighted loss, where that was published with the weights
(arXiv:2606.08615): a weight means little without."""
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
    turns, context = dialogue.turns, dialogue.context_turns
    states = [STATES[code] for code in turns.states]
    own = range(context, len(turns))
    scales: Sequence[float | None]
    match preset:
        case "streamo_fixed":
            scales = [FIXED[states[place]] for place in own]
        case "first_silence":
            scales = [_harness(states, place) for place in own]
        case "transitions":
            changes = {place for place in own if _is_change(states, place)}
            rest = [turns.first + place for place in own if place not in changes]
            chosen = drawn(rest, len(changes), dialogue.sample_id, seed)
            learned = changes | {index - turns.first for index in chosen}
            scales = [1.0 if place in learned else None for place in own]
        case "inverse_silence":
            silences = sum(states[place] == "silence" for place in own)
            scales = [1.0 / silences if states[place] == "silence" else 1.0 for place in own]
        case "class_balanced":
            if corpus is None:
                raise ValueError("class_balanced needs the states of the whole corpus")
            weights = class_balanced(corpus)
            scales = [weights[states[place]] for place in own]
    of_all = [*repeat(None, context), *scales]
    weighed = turns.weighed(
        [scale is not None for scale in of_all], [scale or 0.0 for scale in of_all]
    )
    return dialogue.model_copy(update={"turns": weighed})


def class_balanced(counts: StateCounts) -> dict[str, float]:
    """The weight of each state by the effective number of its turns; an absent one weighs 0."""
    raw = {
        state: (1 - BETA) / (1 - BETA**count) if count else 0.0
        for state, count in counts.model_dump().items()
    }
    present = sum(1 for weight in raw.values() if weight)
    whole = sum(raw.values())
    return {state: weight * present / whole if whole else 0.0 for state, weight in raw.items()}


def _harness(states: Sequence[State], place: int) -> float:
    if states[place] == "silence":
        return FIRST_SILENCE if _is_change(states, place) else REPEATED_SILENCE
    return RESPONSE if states[place] == "response" else 1.0


def _is_change(states: Sequence[State], place: int) -> bool:
    return place == 0 or states[place] != states[place - 1]
