"""LLaMA-Factory 0.9 with the objective: its own trainer and its own arguments, no patch.

    python pipeline/training/llama_factory.py train.yaml [key=value ...]

in place of ``llamafactory-cli train train.yaml``, in the environment that holds LLaMA-Factory.
``causal.py`` says which objective. train.yaml has ``add_special_tokens:
"</Silence>,</Standby>,</Response>"`` and ``resize_vocab: true``. The sum is divided by the trained
tokens of one forward pass, for with frames LLaMA-Factory gives no other number.
"""

from __future__ import annotations

from typing import Any

from llamafactory.train.tuner import run_exp  # type: ignore[import-not-found]
from torch import Tensor
from transformers import TrainerCallback

try:
    from pipeline.training.causal import CausalLoss
except ModuleNotFoundError:  # run as a file, beside which the others lie
    from causal import CausalLoss  # type: ignore


class StateLoss(TrainerCallback):  # type: ignore[misc]  # transformers has no types
    """Gives the model our loss when training begins: models of transformers have a place for it."""

    def on_train_begin(
        self, args: Any, state: Any, control: Any, *, model: Any, processing_class: Any, **rest: Any
    ) -> None:
        """As ``TrainerCallback``.

        Raises:
            ValueError: as ``CausalLoss``.
        """
        del args, state, control, rest
        loss = CausalLoss(processing_class)

        def loss_function(*, logits: Tensor, labels: Tensor, **given: Any) -> Tensor:
            return loss(logits, labels, trained=given.get("num_items_in_batch"))

        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        base.loss_function = loss_function


if __name__ == "__main__":
    run_exp(callbacks=[StateLoss()])
