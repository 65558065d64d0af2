"""What holds of every measure, whatever is expected and said."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.scoring.item import Expected, Item, Said
from pipeline.scoring.registry import find_measure, measure_names, settings_of
from pipeline.scoring.text_scores import TEXT_SCORES
from tests.pipeline.scoring.conftest import item

MAIN = {
    "false_alarms": "a minute",
    "ovo_forward": "accuracy",
    "ovo_timing": "F1",
    "real_stream_eval": "score",
    "state_f1": "macro-F1",
    "streamo_bench": "accuracy",
    "streampro_f1": "F1",
    "sw_f1": "SW-F1",
}
SCORES = sorted(MAIN.keys() - {"false_alarms"})
TIMED = sorted(MAIN.keys() - {"false_alarms", "state_f1"})
END_S = 60

texts = st.sampled_from("abc")
times = st.integers(0, END_S - 1).map(float)
spoken = st.dictionaries(times, texts, max_size=8).map(lambda said: tuple(sorted(said.items())))
spread = st.lists(st.integers(1, 5), min_size=1, max_size=5).map(
    lambda gaps: tuple((float(10 * n + gap), "abc"[n % 3]) for n, gap in enumerate(gaps))
)
"""Expected answers that are at least 6 s from each other, so that no window covers two."""
items = st.builds(lambda due, said: item(due, said, END_S), spoken, spoken)


def main_value(name: str, *found: Item) -> Any:
    measure, sums = find_measure(name), Counter[str]()
    for each in found:
        sums.update(measure.count(each, TEXT_SCORES["exact"][1], settings_of(name, {})))
    return measure.values(sums)[MAIN[name]]


def test_each_measure_is_among_them() -> None:
    assert sorted(MAIN) == measure_names()


@pytest.mark.parametrize("name", SCORES)
@given(due=spread)
def test_what_is_expected_scores_1(name: str, due: tuple[tuple[float, str], ...]) -> None:
    assert main_value(name, item(due, due, END_S)) == pytest.approx(1)


@pytest.mark.parametrize("name", SCORES)
@given(due=spread)
def test_silence_scores_less_than_half_and_raises_no_alarm(
    name: str, due: tuple[tuple[float, str], ...]
) -> None:
    assert main_value(name, item(due, (), END_S)) <= 0.5
    assert main_value("false_alarms", item((), (), END_S)) == 0


@pytest.mark.parametrize("name", sorted({*TIMED} - {"ovo_forward"}))
@given(due=spread)
def test_silence_is_worth_nothing_where_an_answer_is_due(
    name: str, due: tuple[tuple[float, str], ...]
) -> None:
    assert main_value(name, item(due, (), END_S)) == 0


@pytest.mark.parametrize("name", TIMED)
@given(due=spread)
def test_a_shift_past_all_windows_costs_the_whole(
    name: str, due: tuple[tuple[float, str], ...]
) -> None:
    first_only = due[:1]
    late = tuple((time_s + 6, text) for time_s, text in first_only)
    expected = 0.5 if name == "ovo_forward" else 0
    """Before it was due nothing was said, which is right; the other half is lost."""
    assert main_value(name, item(first_only, late, END_S)) == pytest.approx(expected)


@pytest.mark.parametrize("name", measure_names())
@given(found=st.lists(items, max_size=4), shuffled=st.randoms(use_true_random=False))
def test_scores_are_shares_and_order_does_not_matter(
    name: str, found: list[Item], shuffled: Any
) -> None:
    value = main_value(name, *found)
    again = list(found)
    shuffled.shuffle(again)
    assert main_value(name, *again) == (None if value is None else pytest.approx(value))
    if value is not None and name != "false_alarms":
        assert -0.1 - 1e-9 <= value <= 1 + 1e-9


@pytest.mark.parametrize("name", SCORES)
@given(due=spread, extra=times)
def test_more_that_is_wrong_never_helps(
    name: str, due: tuple[tuple[float, str], ...], extra: float
) -> None:
    whole = item(due, due, END_S)
    said = sorted([*whole.said, Said(extra, "z", (extra, extra))])
    worse = replace(whole, said=tuple(said))
    assert main_value(name, worse) <= main_value(name, whole) + 1e-9


def test_a_text_is_right_by_its_option_or_its_words() -> None:
    asked = item(options=("one", "two"))
    due = Expected("B. two", 1.0, None, (1.0, 1.0))
    score = TEXT_SCORES["option"][1]
    said = ("B", "B.", "(B) two", "two", "A", "A. two", "C", "three", "")
    right = [text for text in said if score(asked, due, Said(1.0, text, (1.0, 1.0)))]
    assert right == ["B", "B.", "(B) two", "two"]
    assert TEXT_SCORES["exact"][1](asked, due, Said(1.0, "b two!", (1.0, 1.0)))
