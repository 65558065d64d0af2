"""Many together, or one alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pipeline.engines.vllm.shared_lock import SharedLock


class Watched:
    """A lock, and who was inside at once."""

    def __init__(self) -> None:
        self.lock = SharedLock()
        self.inside: list[str] = []
        self.most = 0
        self.done: list[str] = []

    @asynccontextmanager
    async def enter(self, kind: str) -> AsyncIterator[None]:
        async with self.lock.alone() if kind == "alone" else self.lock.together():
            self.inside.append(kind)
            assert self.inside == ["alone"] or "alone" not in self.inside
            self.most = max(self.most, len(self.inside))
            yield
            self.inside.remove(kind)
        self.done.append(kind)


def test_whoever_is_alone_is_alone() -> None:
    watched = Watched()
    chance = random.Random(1)

    async def visit(kind: str) -> None:
        await asyncio.sleep(chance.random() / 100)
        async with watched.enter(kind):
            await asyncio.sleep(chance.random() / 100)

    async def every() -> None:
        kinds = ["alone" if i % 10 == 0 else "together" for i in range(200)]
        await asyncio.gather(*map(visit, kinds))

    asyncio.run(every())
    assert len(watched.done) == 200
    assert watched.most > 5


def test_one_who_waits_to_be_alone_is_not_passed_for_ever() -> None:
    watched = Watched()

    async def visit(kind: str) -> None:
        async with watched.enter(kind):
            await asyncio.sleep(0.01)

    async def every() -> None:
        first = asyncio.create_task(visit("together"))
        await asyncio.sleep(0)
        later = [asyncio.create_task(visit(kind)) for kind in ("alone", "together", "together")]
        await asyncio.gather(first, *later)

    asyncio.run(every())
    assert watched.done == ["together", "alone", "together", "together"]


def test_who_is_interrupted_holds_up_nobody() -> None:
    lock = SharedLock()

    async def hold(kind: str) -> None:
        async with lock.alone() if kind == "alone" else lock.together():
            await asyncio.sleep(60)

    async def every() -> None:
        tasks = []
        for kind in ("together", "alone", "together"):
            tasks.append(asyncio.create_task(hold(kind)))
            await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        async with lock.alone():
            pass

    asyncio.run(asyncio.wait_for(every(), 120))
