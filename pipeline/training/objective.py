"""The loss of a model that decides in each turn whether to speak (arXiv:2512.21334, section 3.3).

Of a dialogue nearly all turns are silent, so cross entropy learns silence. The tokens of the three
states are weighted, and no other: by how rare a state is in the batch (equation 4), and by how
unsure the model is of it (equation 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

IGNORED = -100
"""The label of a position that is not trained on."""
STATES = ("silence", "standby", "response")


@dataclass(frozen=True)
class Objective:
    """How tokens are weighted and what their sum is divided by. The defaults are the paper's.

    The paper gives no gamma; 2 is that of its code and of the focal loss it is taken from. Its code
    differs from its equations in ``share_of`` (``present``), ``divided_by`` (a number that the
    trainer gives, in which text counts, too), and in that it counts states in what one device
    sees at a time, which is often a single sample.
    """

    gamma: float | None = 2.0
    """Exponent of the focal weight ``(1 - p)^gamma``; None for no such weight."""
    balance: bool = True
    """Whether a state is weighted by how rare it is in the batch."""
    share_of: Literal["states", "present"] = "states"
    """What equation 4 divides by: the three states, or those that the batch has."""
    fixed: Mapping[str, float] = field(default_factory=dict)
    """A weight for each state in place of those two; empty for none."""
    hold_focal: bool = False
    """Whether the focal weight is a constant to the gradient. In the equations it is not."""
    divided_by: Literal["valid", "weights"] = "valid"
    """The trained positions (equation 7), or the sum of their weights, as JoyAI has it."""


PAPER = Objective()
OFFICIAL = Objective(share_of="present")
CROSS_ENTROPY = Objective(gamma=None, balance=False)
LOSS_SCALE = Objective(
    gamma=None, balance=False, fixed={"silence": 0.3, "standby": 1.3, "response": 2.0}
)
"""The fixed weights that the paper compares with, table 4."""
OBJECTIVES: Mapping[str, Objective] = {
    "paper": PAPER,
    "official": OFFICIAL,
    "cross_entropy": CROSS_ENTROPY,
    "loss_scale": LOSS_SCALE,
}


def state_counts(labels: Tensor, state_ids: Sequence[int]) -> Tensor:
    """How often each state is a label, shape (3,). Those of several devices or steps add up."""
    return torch.stack([(labels == state_id).sum() for state_id in state_ids])


def state_loss(
    logits: Tensor,
    labels: Tensor,
    state_ids: Sequence[int],
    objective: Objective = PAPER,
    *,
    counts: Tensor | None = None,
    divisor: Tensor | float | None = None,
) -> Tensor:
    """The loss of a batch, a scalar.

    ``logits`` has the shape (..., vocabulary), ``labels`` the same without the last axis. A label
    is what the logits at its own place predict, so a causal model's are shifted before; one that
    is ``IGNORED`` is not trained on. ``state_ids`` are the tokens of silence, standby and response.
    ``counts`` are the states of the whole batch where this is a part of it, and ``divisor`` is what
    its sum is divided by then. A batch without a trained position has the loss 0.

    Raises:
        ValueError: the states are not three different tokens, or shapes do not fit.
    """
    if len(set(state_ids)) != len(STATES):
        raise ValueError(f"{len(STATES)} states need as many tokens, not {list(state_ids)}")
    if logits.shape[:-1] != labels.shape:
        raise ValueError(f"labels {tuple(labels.shape)} for logits {tuple(logits.shape)}")
    trained = labels != IGNORED
    flat, true = logits[trained], labels[trained]
    losses = torch.nn.functional.cross_entropy(flat, true, reduction="none")
    counted = state_counts(labels, state_ids) if counts is None else counts
    weights = _weights(losses, true, state_ids, objective, counted.to(losses.dtype))
    if divisor is None:
        divisor = weights.sum() if objective.divided_by == "weights" else float(len(losses))
    return (weights * losses).sum() / (divisor if len(losses) else 1.0)


def _weights(
    losses: Tensor, true: Tensor, state_ids: Sequence[int], objective: Objective, counts: Tensor
) -> Tensor:
    """Of each trained position; 1 where no state is the label."""
    if objective.fixed:
        of_state = losses.new_tensor([objective.fixed[state] for state in STATES])
    elif objective.balance:
        whole = len(STATES) if objective.share_of == "states" else (counts > 0).sum()
        of_state = counts.sum() / (whole * counts.clamp(min=1))
    else:
        of_state = torch.ones_like(counts)
    focal: Tensor | float = 1.0
    if objective.gamma is not None:
        # 1 - p, of p = exp(-loss): exact where the model is nearly sure.
        unsure = -torch.expm1(-(losses.detach() if objective.hold_focal else losses))
        focal = unsure**objective.gamma
    weights = torch.ones_like(losses)
    for state_id, weight in zip(state_ids, of_state, strict=True):
        weights = torch.where(true == state_id, weight * focal, weights)
    return weights
