"""A limiter under any order of coming, leaving and giving up."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.limiter import Limiter

SIZES = st.lists(st.integers(1, 30), min_size=1, max_size=12)


@settings(deadline=None)
@given(SIZES, st.integers(1, 4), st.integers(1, 20), st.sets(st.integers(0, 11)))
def test_bounds_hold_and_no_one_is_forgotten(
    sizes: list[int], places: int, size_bytes: int, give_up: set[int]
) -> None:
    order: list[int] = []
    inside: dict[int, int] = {}

    async def visit(limiter: Limiter, number: int, size: int, leave: asyncio.Event) -> None:
        async with limiter.enter(size):
            order.append(number)
            inside[number] = size
            try:
                assert len(inside) <= places
                assert sum(inside.values()) <= size_bytes or len(inside) == 1
                await leave.wait()
            finally:
                del inside[number]

    async def everyone() -> None:
        limiter = Limiter(places, size_bytes)
        leaves = [asyncio.Event() for _ in sizes]
        tasks = [
            asyncio.create_task(visit(limiter, i, size, leaves[i])) for i, size in enumerate(sizes)
        ]
        await asyncio.sleep(0)
        for i in give_up & set(range(len(sizes))):
            tasks[i].cancel()
        while not all(task.done() for task in tasks):
            for i in list(inside)[:1]:
                leaves[i].set()
            await asyncio.sleep(0)
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            assert ended is None or isinstance(ended, asyncio.CancelledError), ended
        # All of it is free again.
        whole = asyncio.create_task(visit(limiter, -1, size_bytes, asyncio.Event()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert list(inside) == [-1]
        whole.cancel()
        await asyncio.gather(whole, return_exceptions=True)

    asyncio.run(asyncio.wait_for(everyone(), 120))
    order.remove(-1)
    assert order == sorted(order), "in the order of coming"
    assert set(range(len(sizes))) - give_up <= set(order)
