from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records.spans import TimeSpan, iou

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
