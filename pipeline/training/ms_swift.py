"""The objective in ms-swift 4, as a plug-in file: no patch, and no argument but two.

    swift sft --external_plugins pipeline/training/ms_swift.py --loss_type turnwise \
      --new_special_tokens '</Silence>' '</Standby>' '</Response>' ...

``causal.py`` says which objective. The fixed weights (``loss_scale``) are a file of ms-swift's own
kind, too, with its own loss: ``--loss_scale turnwise`` in place of ``--loss_type turnwise``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from swift.loss import BaseLoss, loss_map  # type: ignore[import-not-found]
from swift.loss_scale.base import ConfigLossScale  # type: ignore[import-not-found]
from swift.loss_scale.mapping import loss_scale_map  # type: ignore[import-not-found]
from torch import Tensor

try:
    from pipeline.training.causal import CausalLoss
except ModuleNotFoundError:  # a copy of the folder: ms-swift finds what lies beside this file
    from causal import CausalLoss  # type: ignore

NAME = "turnwise"


class StateLoss(BaseLoss):  # type: ignore[misc]  # ms-swift has no types
    """The objective, of the logits that ms-swift gives."""

    def __init__(self, args: Any, trainer: Any) -> None:
        """Finds the tokens of the states.

        Raises:
            ValueError: as ``CausalLoss``; or sequence parallelism is asked for.
        """
        super().__init__(args, trainer)
        self._loss = CausalLoss(trainer.template.tokenizer)
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
        """The loss of a batch.

        Raises:
            ValueError: the data have weights of their own.
        """
        if loss_scale is not None:
            raise ValueError(
                "the data have loss_scale, and this loss weighs states itself: export without"
                " weights, or leave --loss_type out"
            )
        return self._loss(outputs.logits, labels, trained=num_items_in_batch)


class FixedWeights(ConfigLossScale):  # type: ignore[misc]  # ms-swift has no types
    """The weights of the JSON file beside this one: of what each expression finds in an answer."""

    loss_scale_config = str(Path(__file__).with_name("ms_swift_loss_scale.json").resolve())


loss_map[NAME] = StateLoss
loss_scale_map[NAME] = FixedWeights
