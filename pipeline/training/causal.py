"""What the plug-ins for trainers share: the objective that is asked for, of a model's logits.

``TURNWISE_OBJECTIVE`` names one of ``objective.OBJECTIVES`` (``paper``), ``TURNWISE_STATE_TOKENS``
the three tokens, in this order and separated by commas, where they are others. States are counted
over all devices in one forward pass: with gradient accumulation that is a part of the batch that
the paper means.
"""

from __future__ import annotations

import os
from typing import Any

from torch import Tensor, distributed

try:
    from pipeline.training.objective import OBJECTIVES, STATES, state_counts, state_loss
except ModuleNotFoundError:  # a copy of the folder
    from objective import OBJECTIVES, STATES, state_counts, state_loss  # type: ignore

TOKENS = "</Silence>,</Standby>,</Response>"
"""Of Streamo, and what ``turnwise export`` writes if nothing else is asked for."""


class CausalLoss:
    """``state_loss`` of logits and labels that stand at the same places, with the settings of the
    environment."""

    def __init__(self, tokenizer: Any) -> None:
        """Finds the tokens of the states.

        Raises:
            ValueError: no such objective; or there are not three tokens, or a state is several, of
                which only the first would be weighted.
        """
        name = os.environ.get("TURNWISE_OBJECTIVE", "paper")
        if name not in OBJECTIVES:
            known = ", ".join(OBJECTIVES)
            raise ValueError(f"TURNWISE_OBJECTIVE: no objective {name!r}; known: {known}")
        self._objective = OBJECTIVES[name]
        tokens = os.environ.get("TURNWISE_STATE_TOKENS", TOKENS).split(",")
        if len(tokens) != len(STATES):
            raise ValueError(f"TURNWISE_STATE_TOKENS: {len(STATES)} tokens, not {tokens}")
        ids = [tokenizer.encode(token, add_special_tokens=False) for token in tokens]
        if split := [token for token, found in zip(tokens, ids, strict=True) if len(found) != 1]:
            names = " ".join(map(repr, split))
            raise ValueError(f"{names}: not one token each; the trainer has to add them as tokens")
        self._ids = [found for (found,) in ids]

    def __call__(
        self, logits: Tensor, labels: Tensor, *, trained: Tensor | float | None = None
    ) -> Tensor:
        """The loss of a forward pass. ``trained`` counts the trained tokens of all passes that are
        added up before the weights change, where the trainer says so."""
        shifted = labels[..., 1:].contiguous().to(logits.device)
        counts = state_counts(shifted, self._ids)
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(counts)
        return state_loss(
            logits[..., :-1, :].float(),
            shifted,
            self._ids,
            self._objective,
            counts=counts,
            divisor=trained if self._objective.divided_by == "valid" else None,
        )
