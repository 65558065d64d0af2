from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records.spans import TimeSpan, covered_s, covered_share, iou

spans = st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)).map(lambda span: (min(span), max(span)))


def test_iou_is_a_share_of_the_union() -> None:
    known = [(0.0, 4.0), (2.0, 6.0), (6.0, 8.0), (3.0, 3.0)]
    assert all(iou(span, span) == (span[0] < span[1]) for span in known)
    assert all(iou(a, b) == iou(b, a) for a, b in combinations(known, 2))
    assert iou(known[0], known[1]) == pytest.approx(1 / 3)
    assert iou(known[1], known[2]) == iou(known[0], known[2]) == 0


@given(spans, spans)
def test_iou_is_symmetric_and_in_range(first: TimeSpan, second: TimeSpan) -> None:
    assert 0 <= iou(first, second) == iou(second, first) <= 1
    assert iou(first, first) == (first[0] < first[1])


seconds = st.integers(0, 100)
whole_spans = st.tuples(seconds, seconds).filter(lambda s: s[0] < s[1])


@given(st.lists(whole_spans, max_size=6))
def test_what_spans_cover_is_the_seconds_in_any_of_them(found: Sequence[tuple[int, int]]) -> None:
    inside = {second for start, end in found for second in range(start, end)}
    assert covered_s(found) == len(inside)
    assert covered_share(found, 50.0) == min(1.0, len(inside) / 50)
