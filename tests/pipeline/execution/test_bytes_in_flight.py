from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from pipeline.execution.bytes_in_flight import BytesInFlight


def test_what_is_held_at_once_is_bounded_and_a_larger_one_goes_alone() -> None:
    in_flight = BytesInFlight(10)
    held: list[int] = []
    most: list[int] = []

    def shard(n_bytes: int) -> None:
        with in_flight.holding(n_bytes):
            held.append(n_bytes)
            most.append(sum(held))
            held.remove(n_bytes)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(shard, [4, 6, 3, 25, 10, 0] * 50))
    assert len(most) == 300
    assert max(total for total in most if total != 25) <= 10


def test_one_that_fails_makes_place_for_the_next() -> None:
    in_flight, waits, entered = BytesInFlight(10), Event(), Event()
    with ThreadPoolExecutor(1) as threads:

        def second() -> None:
            waits.set()
            with in_flight.holding(5):
                entered.set()

        with pytest.raises(OSError, match="gone"), in_flight.holding(10):
            done = threads.submit(second)
            waits.wait()
            assert not entered.wait(0.05)
            raise OSError("gone")
        done.result(10)
    assert entered.is_set()
