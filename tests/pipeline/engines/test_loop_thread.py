"""An event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from pipeline.engines.base import EngineError
from pipeline.engines.loop_thread import LoopThread


class Resource:
    """Notes what happens in it."""

    def __init__(self) -> None:
        self.left = False
        self.thread = threading.current_thread()
        self.entered = threading.Event()

    async def where(self) -> threading.Thread:
        return threading.current_thread()

    async def wait(self) -> None:
        self.entered.set()
        await asyncio.sleep(60)


def opened(made: list[Resource]) -> LoopThread[Resource]:
    @asynccontextmanager
    async def opening() -> AsyncIterator[Resource]:
        made.append(Resource())
        yield made[0]
        made[0].left = True

    return LoopThread("a loop", opening)


def test_work_is_done_on_the_thread_of_the_loop() -> None:
    made: list[Resource] = []
    loop = opened(made)
    assert loop.run(Resource.where) is made[0].thread
    assert made[0].thread.name == "a loop"
    loop.close()


def test_closing_ends_what_is_under_way_and_what_was_opened() -> None:
    made: list[Resource] = []
    loop = opened(made)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(loop.run, Resource.wait)
        assert made[0].entered.wait(120)
        loop.close()
        loop.close()
        with pytest.raises(EngineError, match="was closed"):
            waiting.result(120)
    assert made[0].left
    assert not made[0].thread.is_alive()
    with pytest.raises(EngineError, match="is closed"):
        loop.run(Resource.where)


def test_what_cannot_be_opened_says_why() -> None:
    @asynccontextmanager
    async def opening() -> AsyncIterator[None]:
        raise EngineError("no such model")
        yield

    with pytest.raises(EngineError, match="no such model"):
        LoopThread("a loop", opening)


@pytest.fixture
def loop() -> Iterator[LoopThread[Resource]]:
    started = opened([])
    yield started
    started.close()


def test_items_are_yielded_and_the_work_waits_until_the_caller_comes_back(
    loop: LoopThread[Resource],
) -> None:
    handed: list[int] = []

    async def work(resource: Resource, hand_over: Callable[[int], Awaitable[None]]) -> None:
        for i in range(3):
            await hand_over(i)
            handed.append(i)

    items = loop.stream(work)
    assert [next(items), list(handed)] == [0, []]
    assert [next(items), list(handed)] == [1, [0]]
    assert [list(items), handed] == [[2], [0, 1, 2]]


def test_what_was_handed_over_comes_before_the_error(loop: LoopThread[Resource]) -> None:
    async def work(resource: Resource, hand_over: Callable[[int], Awaitable[None]]) -> None:
        handing = asyncio.gather(*map(hand_over, range(3)))
        await asyncio.sleep(0)
        handing.cancel()
        raise EngineError("it died")

    items = loop.stream(work)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(EngineError, match="it died"):
        next(items)


@pytest.mark.parametrize("how", ["close", "exception", "forgotten"])
def test_a_caller_that_stops_early_ends_the_work(loop: LoopThread[Resource], how: str) -> None:
    ended = threading.Event()

    async def work(resource: Resource, hand_over: Callable[[int], Awaitable[None]]) -> None:
        try:
            await hand_over(0)
            await hand_over(1)
        finally:
            ended.set()

    if how == "exception":
        with pytest.raises(OSError, match="full"):
            for _ in loop.stream(work):
                raise OSError("full")
    else:
        items = loop.stream(work)
        next(items)
        if how == "close":
            items.close()  # type: ignore[attr-defined]  # a generator
        del items
    assert ended.wait(120)


def test_closing_between_two_items_yields_what_was_handed_over(
    loop: LoopThread[Resource],
) -> None:
    async def work(resource: Resource, hand_over: Callable[[int], Awaitable[None]]) -> None:
        await asyncio.gather(*map(hand_over, range(3)))

    items = loop.stream(work)
    assert next(items) == 0
    loop.close()
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(EngineError, match="was closed"):
        next(items)
    with pytest.raises(EngineError, match="is closed"):
        next(loop.stream(work))
