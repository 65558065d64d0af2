"""Limits how much is under way at once, by number and by size."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Limiter:
    """A semaphore over places and bytes, first come, first served.

    A request larger than all bytes is admitted alone. To be used on one event loop.
    """

    def __init__(self, places: int, size_bytes: int) -> None:
        """Admits at most ``places`` at once, of at most ``size_bytes`` together."""
        self._places = places
        self._free_bytes = self._all_bytes = size_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def enter(self, size_bytes: int) -> AsyncIterator[None]:
        """Waits for a place and ``size_bytes``, and holds both inside ``async with``."""
        size_bytes = min(size_bytes, self._all_bytes)
        admitted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size_bytes, admitted))
        self._admit()
        try:
            await admitted
            yield
        finally:
            if admitted.done() and not admitted.cancelled():
                self._places += 1
                self._free_bytes += size_bytes
            self._admit()

    def _admit(self) -> None:
        while self._waiting:
            size_bytes, admitted = self._waiting[0]
            if not admitted.cancelled():
                if self._places == 0 or size_bytes > self._free_bytes:
                    return
                self._places -= 1
                self._free_bytes -= size_bytes
                admitted.set_result(None)
            self._waiting.popleft()
