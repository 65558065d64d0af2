"""An event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import pytest

from pipeline.engines.base import EngineError
from pipeline.engines.loop_thread import LoopThread


class Limiter:
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


def opened(room: list[Limiter]) -> LoopThread[Limiter]:
    @asynccontextmanager
    async def opening() -> AsyncIterator[Limiter]:
        room.append(Limiter())
        yield room[0]
        room[0].left = True

    return LoopThread("a loop", opening)


def test_work_is_done_on_the_thread_of_the_loop() -> None:
    rooms: list[Limiter] = []
    loop = opened(rooms)
    assert loop.run(Limiter.where) is rooms[0].thread
    assert rooms[0].thread.name == "a loop"
    loop.close()


def test_closing_ends_what_is_under_way_and_what_was_opened() -> None:
    rooms: list[Limiter] = []
    loop = opened(rooms)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(loop.run, Limiter.wait)
        assert rooms[0].entered.wait(10)
        loop.close()
        loop.close()
        with pytest.raises(EngineError, match="was closed"):
            waiting.result(10)
    assert rooms[0].left
    assert not rooms[0].thread.is_alive()
    with pytest.raises(EngineError, match="is closed"):
        loop.run(Limiter.where)


def test_what_cannot_be_opened_says_why() -> None:
    @asynccontextmanager
    async def opening() -> AsyncIterator[None]:
        raise EngineError("no such model")
        yield

    with pytest.raises(EngineError, match="no such model"):
        LoopThread("a loop", opening)
