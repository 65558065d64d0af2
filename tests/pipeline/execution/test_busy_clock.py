from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.execution.busy_clock import BusyClock

SPANS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted), max_size=6)


@given(SPANS)
def test_seconds_count_once_however_many_ask(spans: list[list[int]]) -> None:
    now_s = 0.0
    clock = BusyClock(lambda: now_s)
    asking = {i: clock.asking() for i in range(len(spans))}
    for second in range(22):
        now_s = float(second)
        for i, (start, end) in enumerate(spans):
            if start == second:
                asking[i].__enter__()
            if end == second:
                asking[i].__exit__(None, None, None)
    busy = {second for start, end in spans for second in range(start, end)}
    assert clock.share() == len(busy) / 21


def test_a_clock_that_just_began_was_not_busy() -> None:
    assert BusyClock(lambda: 1.0).share() == 0.0
