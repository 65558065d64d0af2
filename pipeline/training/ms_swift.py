"""The objective in ms-swift 4, as a plug-in file: no patch, and no argument but two.

    swift sft --external_plugins pipeline/training/ms_swift.py --loss_type turnwise \
      --new_special_tokens '</Silence>' '</Standby>' '</Response>' ...

``TURNWISE_OBJECTIVE`` names one of ``objective.OBJECTIVES`` (``paper``), ``TURNWISE_STATE_TOKENS``
the three tokens, in this order and separated by commas, where they are others. States are counted
over all devices in one forward pass: with gradient accumulation that is a part of the batch that
the paper means.

The fixed weights alone (``loss_scale``) are a file of ms-swift's own kind, too, with its own loss:

    swift sft --external_plugins pipeline/training/ms_swift.py --loss_scale turnwise \
      --new_special_tokens '</Silence>' '</Standby>' '</Response>' ...
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swift.loss import BaseLoss, loss_map  # type: ignore[import-not-found]
from swift.loss_scale.base import ConfigLossScale  # type: ignore[import-not-found]
from swift.loss_scale.mapping import loss_scale_map  # type: ignore[import-not-found]
from torch import Tensor, distributed

try:
    from pipeline.training.objective import OBJECTIVES, STATES, state_counts, state_loss
except ModuleNotFoundError:  # a copy of the folder: ms-swift finds what lies beside this file
    from objective import OBJECTIVES, STATES, state_counts, state_loss  # type: ignore

NAME = "turnwise"
TOKENS = "</Silence>,</Standby>,</Response>"
"""Of Streamo, and what ``turnwise export`` writes if nothing else is asked for."""


class StateLoss(BaseLoss):  # type: ignore[misc]  # ms-swift has no types
    """``state_loss`` of the logits that ms-swift gives."""

    def __init__(self, args: Any, trainer: Any) -> None:
        """Finds the tokens of the states.

        Raises:
            ValueError: no such objective; a state is not one token of the tokenizer; or sequence
                parallelism is asked for.
        """
        super().__init__(args, trainer)
        name = os.environ.get("TURNWISE_OBJECTIVE", "paper")
        if name not in OBJECTIVES:
            known = ", ".join(OBJECTIVES)
            raise ValueError(f"TURNWISE_OBJECTIVE: no objective {name!r}; known: {known}")
        self._objective = OBJECTIVES[name]
        tokens = os.environ.get("TURNWISE_STATE_TOKENS", TOKENS).split(",")
        self._ids = state_ids(trainer.template.tokenizer, tokens)
        if trainer.template.sequence_parallel_size > 1:
            raise ValueError(f"not supported: --loss_type {NAME} with sequence parallelism")

    def __call__(
        self,
        outputs: Any,
        labels: Tensor,
        *,
        num_items_in_batch: Tensor | float | None = None,
        loss_scale: Tensor | None = None,
        **kwargs: Any,
    ) -> Tensor:
        """The loss of a batch. ``num_items_in_batch`` counts the trained tokens of all steps that
        are added up before the weights change.

        Raises:
            ValueError: the data have weights of their own.
        """
        if loss_scale is not None:
            raise ValueError(
                "the data have loss_scale, and this loss weighs states itself: export without"
                " weights, or leave --loss_type out"
            )
        shifted = labels[..., 1:].contiguous().to(outputs.logits.device)
        counts = state_counts(shifted, self._ids)
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(counts)
        return state_loss(
            outputs.logits[..., :-1, :].float(),
            shifted,
            self._ids,
            self._objective,
            counts=counts,
            divisor=num_items_in_batch if self._objective.divided_by == "valid" else None,
        )


def state_ids(tokenizer: Any, tokens: Sequence[str]) -> list[int]:
    """The token of each state.

    Raises:
        ValueError: there are not three, or one is several tokens, of which only the first would be
            weighted.
    """
    if len(tokens) != len(STATES):
        raise ValueError(f"TURNWISE_STATE_TOKENS: {len(STATES)} tokens, not {tokens}")
    ids = [tokenizer.encode(token, add_special_tokens=False) for token in tokens]
    if split := [token for token, found in zip(tokens, ids, strict=True) if len(found) != 1]:
        names = " ".join(map(repr, split))
        raise ValueError(f"{names}: not one token each; add --new_special_tokens {names}")
    return [found for (found,) in ids]


class FixedWeights(ConfigLossScale):  # type: ignore[misc]  # ms-swift has no types
    """The weights of the JSON file beside this one: of what each expression finds in an answer."""

    loss_scale_config = str(Path(__file__).with_name("ms_swift_loss_scale.json").resolve())


loss_map[NAME] = StateLoss
loss_scale_map[NAME] = FixedWeights
