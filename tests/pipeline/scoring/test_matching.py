"""Matching of times is one to one and as large as can be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.scoring.matching import match_times

times = st.lists(st.integers(0, 12).map(lambda n: n / 2), max_size=5)


def most_pairs(true_s: list[float], predicted_s: list[float]) -> int:
    """The size of a largest matching, by trying all."""
    if not true_s or not predicted_s:
        return 0
    rest = true_s[1:]
    fits = [n for n, s in enumerate(predicted_s) if abs(s - true_s[0]) <= 1]
    with_first = [1 + most_pairs(rest, predicted_s[:n] + predicted_s[n + 1 :]) for n in fits]
    return max([most_pairs(rest, predicted_s), *with_first])


@given(times, times)
def test_matching_is_one_to_one_within_tolerance_and_largest(
    true_s: list[float], predicted_s: list[float]
) -> None:
    pairs = match_times(true_s, predicted_s, 1.0)
    assert all(abs(predicted - true) <= 1 for true, predicted in pairs)
    for given_s, used in zip((true_s, predicted_s), zip(*pairs, strict=True), strict=False):
        assert all(list(used).count(time_s) <= given_s.count(time_s) for time_s in used)
    assert len(pairs) == most_pairs(true_s, predicted_s)
