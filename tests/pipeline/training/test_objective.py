"""The objective against the equations, written out token by token. It needs PyTorch:
``make test-vllm`` has one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch", reason="make test-vllm runs these")

from pipeline.training.objective import (  # noqa: E402  needs torch
    CROSS_ENTROPY,
    IGNORED,
    LOSS_SCALE,
    OBJECTIVES,
    OFFICIAL,
    PAPER,
    STATES,
    Objective,
    state_counts,
    state_loss,
)

VOCABULARY = 7
IDS = (2, 5, 6)


def batch(seed: int, shape: tuple[int, ...] = (3, 11)) -> tuple[Any, Any]:
    """Logits of any size, and labels of which many are states and some are ignored."""
    made = torch.Generator().manual_seed(seed)
    logits = 4 * torch.randn(*shape, VOCABULARY, generator=made, dtype=torch.float64)
    labels = torch.randint(0, VOCABULARY, shape, generator=made)
    labels[torch.rand(shape, generator=made) < 0.3] = IDS[0]
    labels[torch.rand(shape, generator=made) < 0.2] = IGNORED
    return logits, labels


def literal(logits: Any, labels: Any, objective: Objective) -> float:
    """Equations 3 to 7, one position after the other, in Python's own arithmetic."""
    rows = logits.reshape(-1, VOCABULARY).tolist()
    true = labels.reshape(-1).tolist()
    valid = [i for i, label in enumerate(true) if label != IGNORED]
    n = {k: sum(true[i] == k for i in valid) for k in IDS}
    present = sum(count > 0 for count in n.values())
    total = weight_sum = 0.0
    for i in valid:
        highest = max(rows[i])
        exp = [math.exp(z - highest) for z in rows[i]]
        ce = math.log(sum(exp)) + highest - rows[i][true[i]]
        weight = 1.0
        if true[i] in IDS:
            if objective.fixed:
                weight = objective.fixed[STATES[IDS.index(true[i])]]
            elif objective.balance:
                whole = 3 if objective.share_of == "states" else present
                weight = sum(n.values()) / n[true[i]] / whole
            if objective.gamma is not None:
                weight *= (1 - exp[true[i]] / sum(exp)) ** objective.gamma
        total += weight * ce
        weight_sum += weight
    return total / (len(valid) if objective.divided_by == "valid" else weight_sum)


OTHERS = [
    replace(PAPER, gamma=0.5),
    replace(PAPER, gamma=0.0),
    replace(PAPER, balance=False),
    replace(PAPER, divided_by="weights"),
    replace(PAPER, hold_focal=True),
]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("objective", [*OBJECTIVES.values(), *OTHERS], ids=str)
def test_it_is_what_the_equations_say(objective: Objective, seed: int) -> None:
    logits, labels = batch(seed)
    found = float(state_loss(logits, labels, IDS, objective))
    assert found == pytest.approx(literal(logits, labels, objective), abs=1e-6, rel=1e-9)


def test_the_defaults_are_those_of_the_paper() -> None:
    assert Objective() == PAPER == OBJECTIVES["paper"]
    assert (PAPER.gamma, PAPER.share_of, PAPER.divided_by, PAPER.fixed) == (
        2,
        "states",
        "valid",
        {},
    )
    assert dict(LOSS_SCALE.fixed) == {"silence": 0.3, "standby": 1.3, "response": 2.0}


@pytest.mark.parametrize(
    "objective", [PAPER, OFFICIAL, CROSS_ENTROPY, LOSS_SCALE, OTHERS[3]], ids=str
)
def test_its_gradient_is_right(objective: Objective) -> None:
    logits, labels = batch(1, (2, 6))
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: state_loss(z, labels, IDS, objective), logits)


def test_a_held_focal_weight_has_no_gradient_of_its_own() -> None:
    def gradient(objective: Objective) -> Any:
        logits, labels = batch(1)
        logits.requires_grad_()
        state_loss(logits, labels, IDS, objective).backward()
        return logits.grad

    assert not torch.allclose(gradient(PAPER), gradient(replace(PAPER, hold_focal=True)))


def test_cross_entropy_is_that_of_pytorch() -> None:
    logits, labels = batch(3)
    expected = torch.nn.functional.cross_entropy(logits.reshape(-1, VOCABULARY), labels.reshape(-1))
    assert torch.allclose(state_loss(logits, labels, IDS, CROSS_ENTROPY), expected)


def test_official_differs_only_where_a_state_is_missing() -> None:
    logits, labels = batch(4)
    assert set(IDS) <= set(labels.reshape(-1).tolist())
    assert state_loss(logits, labels, IDS) == state_loss(logits, labels, IDS, OFFICIAL)
    labels[labels == IDS[1]] = 0
    assert state_loss(logits, labels, IDS) < state_loss(logits, labels, IDS, OFFICIAL)


def test_parts_of_a_batch_add_up_to_it() -> None:
    logits, labels = batch(5)
    counts, valid = state_counts(labels, IDS), float((labels != IGNORED).sum())
    parts = [
        state_loss(logits[i : i + 1], labels[i : i + 1], IDS, counts=counts, divisor=valid)
        for i in range(len(labels))
    ]
    assert torch.allclose(sum(parts), state_loss(logits, labels, IDS))


def _refused(ids: Sequence[int], labels: Any) -> None:
    state_loss(batch(1)[0], labels, ids)


def test_what_does_not_fit_is_refused_and_nothing_to_train_on_is_no_loss() -> None:
    logits, labels = batch(1)
    with pytest.raises(ValueError, match="3 states"):
        _refused((2, 2, 5), labels)
    with pytest.raises(ValueError, match="labels"):
        _refused(IDS, labels[:, 1:])
    nothing = torch.full_like(labels, IGNORED)
    logits.requires_grad_()
    loss = state_loss(logits, nothing, IDS)
    loss.backward()
    assert float(loss.detach()) == 0 and not logits.grad.any()


def test_who_is_nearly_sure_has_a_small_and_exact_weight() -> None:
    logits = torch.zeros(1, VOCABULARY)
    logits[0, IDS[0]] = 20.0
    labels = torch.tensor([IDS[0]])
    objective = replace(PAPER, balance=False, gamma=1.0)
    unsure = 6 * math.exp(-20)
    assert float(state_loss(logits, labels, IDS, objective)) == pytest.approx(unsure**2, rel=1e-3)
