from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dialogue.turn_labels import exact_rate, label_of, read_label


@pytest.mark.parametrize(
    ("index", "turns_per_s", "label"),
    [
        (0, 1.0, "<0s-1s>"),
        (41, 1.0, "<41s-42s>"),
        (3, 0.5, "<6s-8s>"),
        (1, 2.0, "<0.5s-1s>"),
        (1, 3.0, "<0.333s-0.667s>"),
        (1, 8.0, "<0.125s-0.25s>"),
        (7, 10.0, "<0.7s-0.8s>"),
        (3600, 0.666667, "<5400s-5401.5s>"),
        (30000, 29.97003, "<1001s-1001.033s>"),
        (0, 2.702703, "<0s-0.37s>"),
    ],
)
def test_labels_say_real_seconds(index: int, turns_per_s: float, label: str) -> None:
    assert label_of(index, turns_per_s) == label


@given(st.integers(0, 100_000), st.floats(0.5, 10).map(lambda rate: round(rate, 6)))
def test_a_label_tells_which_turn_it_is(index: int, turns_per_s: float) -> None:
    label = label_of(index, turns_per_s)
    seconds = read_label(label)
    assert seconds is not None
    rate = exact_rate(turns_per_s)
    assert abs(rate - Fraction(turns_per_s)) <= Fraction(5, 10_000_000)
    assert round(seconds[0] * rate) == index
    assert seconds[1] - seconds[0] == pytest.approx(1 / turns_per_s, abs=0.0011)
    assert not re.search(r"\.\d*0s", label), "no zeros at the end"


@pytest.mark.parametrize(
    "text", ["", "<1s-0s>", "<1s-1s>", "<1-2>", "<-1s-2s>", "<1s-2s> ", "<²s-3s>", "<0s-9e9s>"]
)
def test_other_texts_are_no_labels(text: str) -> None:
    assert read_label(text) is None
