"""Waits for a server that is away: being started, loading its model, or killed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from pipeline.engines.base import EngineError

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0
"""Between two looks at a server that is away; waits double up to it."""
SAID_EVERY_S = 30.0
"""So often a line says how long it has been away."""

logger = logging.getLogger(__name__)


class Outage:
    """The wait for a server, shared by all requests, so that one alone looks whether it is there.

    Its time counts from when the server was first found away, over all that wait. So what comes
    after a wait in vain fails at once, for as long as the server is away. To be used on one event
    loop.
    """

    def __init__(
        self, base_url: str, patience_s: float, look: Callable[[], Awaitable[str | None]]
    ) -> None:
        """``look`` says why the server is away, or None if it is there."""
        self._base_url = base_url
        self._patience_s = patience_s
        self._look = look
        self._since_s: float | None = None
        self._waiting: asyncio.Task[str | None] | None = None
        self._outages = 0

    async def over(self) -> bool:
        """Returns when the server is there, and whether it was away until then.

        Raises:
            EngineError: it was away for ``patience_s``, and is so still.
        """
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.create_task(self._wait())
        before = self._outages
        # Whoever gives up waiting leaves the wait of the others as it is.
        why = await asyncio.shield(self._waiting)
        if why is not None:
            raise EngineError(f"{self._base_url} cannot be reached: {why}")
        return self._outages > before

    def seen(self) -> None:
        """The server did something: what comes next is another outage, with a time of its own."""
        self._since_s = None

    async def _wait(self) -> str | None:
        """Why the server is away still; None if it is there."""
        wait_s, said_s = FIRST_WAIT_S, 0.0
        while (why := await self._look()) is not None:
            now_s = monotonic()
            if self._since_s is None:
                self._since_s = now_s
            away_s = now_s - self._since_s
            if away_s >= self._patience_s:
                return f"{why} (patience_s: waited {away_s:.0f} s)" if away_s >= 1 else why
            if said_s == 0 or now_s - said_s >= SAID_EVERY_S:
                said_s = now_s
                so_far = f"{away_s:.0f} of {self._patience_s:.0f} s"
                logger.warning("waiting for %s, %s: %s", self._base_url, so_far, why)
            await asyncio.sleep(min(wait_s, self._patience_s - away_s))
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        if self._since_s is not None:
            away_s = monotonic() - self._since_s
            logger.warning("%s is there, after %.0f s", self._base_url, away_s)
            self._since_s = None
            self._outages += 1
        return None
