"""A shared and exclusive lock for an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class SharedLock:
    """Many hold it together, or one alone. Who waits for it alone is not overtaken."""

    def __init__(self) -> None:
        """Free."""
        self._together = 0
        self._waiting_alone = 0
        self._alone = False
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """Holds it together with others, once none holds it alone or waits to."""
        await self._until(lambda: not self._alone and not self._waiting_alone)
        self._together += 1
        try:
            yield
        finally:
            self._together -= 1
            self._notify()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Holds it with no other."""
        self._waiting_alone += 1
        try:
            await self._until(lambda: not self._alone and not self._together)
            self._alone = True
        finally:
            self._waiting_alone -= 1
            self._notify()
        try:
            yield
        finally:
            self._alone = False
            self._notify()

    async def _until(self, free: Callable[[], bool]) -> None:
        while not free():
            await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
