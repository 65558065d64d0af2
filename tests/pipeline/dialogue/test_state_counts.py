"""State counts and what follows from them."""

from __future__ import annotations

import pytest

from pipeline.dialogue.state_counts import StateCounts, StateTally, duration_bin, total


def test_alpha_is_the_mean_count_over_its_own() -> None:
    """Equations 3 and 4: with 12 : 3 : 2 the weights are 17/36, 17/9 and 17/6."""
    alpha = StateCounts(silence=12, standby=3, response=2).alpha()
    assert alpha == pytest.approx({"silence": 17 / 36, "standby": 17 / 9, "response": 17 / 6})
    assert StateCounts(silence=5, response=1).alpha() == {}, "one is absent"


def test_the_ratio_is_scaled_to_two_responses() -> None:
    assert StateCounts(silence=24, standby=6, response=4).ratio() == "12.0 : 3.0 : 2"
    assert StateCounts(silence=3).ratio() == "3 : 0 : 0"


@pytest.mark.parametrize(
    ("duration_s", "name"),
    [(0.5, "0-30 s"), (30, "0-30 s"), (30.1, "30-60 s"), (240, "120-240 s"), (241, ">240 s")],
)
def test_the_bins_of_the_paper(duration_s: float, name: str) -> None:
    assert duration_bin(duration_s) == name


def test_slices_add_up() -> None:
    tally = StateTally()
    tally.add("b", "s", 500, {"silence": 4, "response": 1})
    tally.add("b", "s", 20, {"standby": 1, "response": 1})
    tally.add("a", "s", 20, {"silence": 1})
    tally.add("b", "s", 25, {"silence": 1})
    slices = tally.slices()
    assert [(s.task, s.duration, s.dialogues, s.states.turns) for s in slices] == [
        ("a", "0-30 s", 1, 1), ("b", "0-30 s", 2, 3), ("b", ">240 s", 1, 5),
    ]  # fmt: skip
    assert total(slices) == StateCounts(silence=6, standby=1, response=2)


def test_negatives_are_counted_apart() -> None:
    tally = StateTally()
    tally.add("a", "s", 20, {"silence": 4, "response": 2})
    tally.add("a", "s", 20, {"silence": 20}, is_negative=True)
    tally.add("a", "s", 25, {"silence": 25}, is_negative=True)
    slices = tally.slices()
    assert [(s.is_negative, s.dialogues, s.states.silence) for s in slices] == [
        (False, 1, 4),
        (True, 2, 45),
    ]
    assert total(slices) == StateCounts(silence=4, response=2)
    assert total(slices, is_negative=True) == StateCounts(silence=45)


def test_still_ones_are_counted_apart_and_in_the_whole() -> None:
    tally, again = StateTally(), StateTally()
    tally.add("a", "s", 20, {"silence": 4, "response": 2})
    tally.add("a", "s", 20, {"silence": 19, "response": 1}, is_still=True)
    for part in tally.slices():
        again.add_slice(part)
    slices = again.slices()
    assert [(s.is_still, s.states.silence) for s in slices] == [(False, 4), (True, 19)]
    assert total(slices) == StateCounts(silence=23, response=3)
