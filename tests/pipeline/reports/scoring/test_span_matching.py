"""Matching in time is one to one and as large as can be; IoU is a share."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.reports.scoring.span_matching import iou, match_times

times = st.lists(st.integers(0, 12).map(lambda n: n / 2), max_size=5)


def most_pairs(true_s: list[float], said_s: list[float]) -> int:
    """The size of a largest matching, by trying all."""
    if not true_s or not said_s:
        return 0
    rest = true_s[1:]
    fits = [n for n, s in enumerate(said_s) if abs(s - true_s[0]) <= 1]
    with_first = [1 + most_pairs(rest, said_s[:n] + said_s[n + 1 :]) for n in fits]
    return max([most_pairs(rest, said_s), *with_first])


@given(times, times)
def test_matching_is_one_to_one_within_tolerance_and_largest(
    true_s: list[float], said_s: list[float]
) -> None:
    pairs = match_times(true_s, said_s, 1.0)
    assert all(abs(said - true) <= 1 for true, said in pairs)
    for given_s, used in zip((true_s, said_s), zip(*pairs, strict=True), strict=False):
        assert all(list(used).count(time_s) <= given_s.count(time_s) for time_s in used)
    assert len(pairs) == most_pairs(true_s, said_s)


def test_iou_is_a_share_of_the_union() -> None:
    spans = [(0.0, 4.0), (2.0, 6.0), (6.0, 8.0), (3.0, 3.0)]
    assert all(iou(span, span) == (span[0] < span[1]) for span in spans)
    assert all(iou(a, b) == iou(b, a) for a, b in combinations(spans, 2))
    assert iou(spans[0], spans[1]) == pytest.approx(1 / 3)
    assert iou(spans[1], spans[2]) == iou(spans[0], spans[2]) == 0
