"""The engine that asks a server which speaks the OpenAI protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any, TypeVar

from pipeline.engines.base import Ask, EngineError, Reply, Sampling
from pipeline.engines.http.body import check_extra_body
from pipeline.engines.http.client import Client
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.counts import Counts, Tally
from pipeline.engines.http.key import Key, read_key
from pipeline.engines.http.loop import VERSION, AsyncEngine

T = TypeVar("T")


@dataclass(frozen=True)
class _Running:
    """The event loop, and what lives on it."""

    loop: asyncio.AbstractEventLoop
    engine: AsyncEngine
    stop: asyncio.Event


class HttpEngine:
    """Asks a server, many requests at once, on an event loop in a thread of its own.

    All callers share the loop, its connections and its limits: ``concurrency`` requests and
    ``megabytes`` of their bodies are under way at most. A body is built when there is room for it.
    """

    def __init__(self, config: HttpConfig) -> None:
        """Reads the key and starts the thread; asks nothing yet.

        Raises:
            EngineError: there is no key where the config points, or ``extra_body`` contradicts
                the other settings.
        """
        check_extra_body(config)
        self._config = config
        self._tally = Tally()
        self._version: str | None = None
        self._lock = Lock()
        self._closed = False
        key = read_key(config)
        started: Future[_Running] = Future()
        self._thread = Thread(
            target=lambda: asyncio.run(self._serve(key, started)), name="http engine", daemon=True
        )
        self._thread.start()
        self._running = started.result()

    @property
    def version(self) -> str:
        """The protocol, and whose server of which version it is, as far as the server says.

        It is asked once, by the first call of this or of ``generate``. A server that does not say
        within a second counts as one that does not say.
        """
        if self._version is None:
            try:
                self._version = self._wait_for(self._running.engine.version())
            except EngineError:
                return VERSION
        return self._version

    @property
    def counts(self) -> Counts:
        """What was done so far."""
        return self._tally.counts()

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[list[Reply]]:
        """``sampling.samples`` replies per ask, in the order of ``asks``.

        Errors of a reply: ``truncated``, ``refused``, ``empty``, ``unparsable``, ``too_long`` and
        ``bad_request`` are about the ask; ``rate_limited``, ``server_error``, ``connection`` and
        ``timeout`` stand after ``attempts`` tries that failed so. Their ``detail`` is at most 200
        characters of what was said; that of a text whose JSON had to be mended is ``repaired``.

        Raises:
            EngineError: the server refuses the key or does not answer, or the engine is closed.
        """
        return self._wait_for(self._running.engine.generate(asks, sampling))

    def close(self) -> None:
        """Stops the thread. What is under way ends with EngineError."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._running.loop.call_soon_threadsafe(self._running.stop.set)
        self._thread.join()

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self._closed:
                work.close()
                raise EngineError("the engine is closed")
            future = asyncio.run_coroutine_threadsafe(work, self._running.loop)
        try:
            return future.result()
        except CancelledError:
            raise EngineError("the engine was closed") from None
        finally:
            # Whatever interrupts the caller, Ctrl-C included, also ends the requests.
            future.cancel()

    async def _serve(self, key: Key, started: Future[_Running]) -> None:
        stop = asyncio.Event()
        async with Client(self._config, key, self._tally) as client:
            engine = AsyncEngine(self._config, key, client, self._tally)
            started.set_result(_Running(asyncio.get_running_loop(), engine, stop))
            await stop.wait()
            under_way = asyncio.all_tasks() - {asyncio.current_task()}
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
