"""Counts by hand, and laws: perfect is 1 and on time, and later by d is late by d."""

from __future__ import annotations

import statistics
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records.spans import TimeSpan, iou
from pipeline.scoring.matching import Fit, fit
from pipeline.scoring.truth.iou_stats import IouScore, IouTally, OffsetTally, PairTally

moments = st.integers(0, 40).map(lambda n: n / 4)
some_spans = st.lists(
    st.tuples(moments, moments).filter(lambda span: span[0] < span[1]), max_size=6
)


def iou_score(*ious: float) -> IouScore:
    tally = IouTally()
    tally.add(ious)
    return tally.score()


def test_shares_of_a_level_by_hand() -> None:
    found = iou_score(1.0, 0.7, 0.5, 0.3, 0.0)
    assert (found.whole, found.mean) == pytest.approx((5, 0.5))
    assert (found.at_0_3, found.at_0_5, found.at_0_7) == (0.8, 0.6, 0.4)
    assert iou_score(iou((0.1, 1.1), (0.1, 0.8))).at_0_7 == 1, "a rounding error below 0.7"
    nothing = iou_score()
    assert nothing.whole == 0
    assert {nothing.mean, nothing.at_0_3, nothing.at_0_5, nothing.at_0_7} == {None}


def test_offsets_by_hand() -> None:
    tally = OffsetTally()
    assert tally.score().model_dump() == {
        "times": 0,
        "mean_s": None,
        "p10_s": None,
        "median_s": None,
        "p90_s": None,
    }
    for late_s in (-1.0, 0.5, 0.5, 2.0):
        tally.add(late_s)
    score = tally.score()
    assert (score.times, score.mean_s, score.median_s) == (4, 0.5, 0.5)
    assert (score.p10_s, score.p90_s) == pytest.approx((-0.55, 1.55))


@given(st.lists(st.integers(-9000, 9000), min_size=1))
def test_offsets_are_those_of_other_libraries(late_ms: list[int]) -> None:
    late_s = [ms / 1000 for ms in late_ms]
    tally = OffsetTally()
    for each in late_s:
        tally.add(each)
    score = tally.score()
    assert score.mean_s == pytest.approx(statistics.fmean(late_s), abs=1e-9)
    expected = np.percentile(late_s, [10, 50, 90])
    assert [score.p10_s, score.median_s, score.p90_s] == pytest.approx(list(expected), abs=1e-9)


def test_pairs_that_fit_each_other_best_by_hand() -> None:
    human = [(0.0, 10.0), (20.0, 30.0), (40.0, 50.0)]
    predicted = [(1.0, 10.0), (5.0, 10.0), (24.0, 30.0), (50.0, 60.0)]
    found = fit(reversed(human), predicted)
    assert (found.first, found.second) == ([0.9, 0.6, 0.0], [0.9, 0.5, 0.6, 0.0])
    assert found.pairs == [((0, 10), (1, 10)), ((20, 30), (24, 30))]
    assert fit(human, []) == Fit([0, 0, 0], [], [])
    assert fit([], predicted) == Fit([], [0, 0, 0, 0], [])
    # one that fits two equally well is the pair of the earlier
    assert fit([(0, 2), (2, 4)], [(1, 3)]).pairs == [((0, 2), (1, 3))]


@given(some_spans, some_spans)
def test_figures_are_in_range_and_pairs_are_one_to_one(
    human: list[TimeSpan], predicted: list[TimeSpan]
) -> None:
    found, turned = fit(human, predicted), fit(predicted, human)
    assert (found.first, found.second) == (turned.second, turned.first)
    pairs = found.pairs
    assert Counter(true for true, _ in pairs) <= Counter(human)
    assert Counter(span for _, span in pairs) <= Counter(predicted)
    for true, span in pairs:
        best_of_human, best_of_predicted = (
            max(iou(one, other) for other in others)
            for one, others in ((true, predicted), (span, human))
        )
        assert iou(true, span) == best_of_human == best_of_predicted > 0
    score = iou_score(*found.first)
    assert score.whole == len(human)
    if human:
        assert score.mean is not None and score.at_0_3 is not None
        assert 0 <= score.mean <= 1
        assert 1 >= score.at_0_3 >= (score.at_0_5 or 0) >= (score.at_0_7 or 0) >= 0


@given(st.lists(st.integers(1001, 9000), min_size=1, max_size=6), st.integers(-1000, 1000))
def test_what_is_later_by_d_is_late_by_d(lengths_ms: list[int], late_ms: int) -> None:
    spans = [(20.0 * n, 20.0 * n + ms / 1000) for n, ms in enumerate(lengths_ms)]
    late_s = late_ms / 1000
    predicted = [(start_s + late_s, end_s + late_s) for start_s, end_s in spans]
    tally = PairTally()
    for true, span in fit(spans, predicted).pairs:
        tally.add(true, span)
    for score in (tally.starts.score(), tally.ends.score()):
        assert score.times == len(spans)
        assert {score.mean_s, score.p10_s, score.median_s, score.p90_s} == {late_s}
    perfect = iou_score(*fit(spans, spans).first)
    assert {perfect.mean, perfect.at_0_3, perfect.at_0_5, perfect.at_0_7} == {1}
