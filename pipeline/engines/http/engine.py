"""The engine that asks a server which speaks the OpenAI protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack
from threading import Lock, Thread
from typing import Any, TypeVar

from pipeline.engines.base import Ask, EngineError, Heard, Reply, Sampling, unheard
from pipeline.engines.http.api_key import Key, read_key
from pipeline.engines.http.client import Client
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.metrics import Counts, Tally
from pipeline.engines.http.sampler import Asking

T = TypeVar("T")


class HttpEngine:
    """Asks a server, many requests at once, on an event loop in a thread of its own.

    All callers share the loop, its connections and its limits: ``concurrency`` requests and
    ``megabytes`` of their bodies are under way at most. A body is built when there is room for it.
    """

    def __init__(self, config: HttpConfig) -> None:
        """Reads the key, starts the thread, and asks the server for its version.

        Raises:
            EngineError: there is no key where the config points, or it names several servers.
        """
        if config.further_urls:
            raise EngineError(
                "an engine asks one server: open one for each of config.replica_configs()"
            )
        key = read_key(config)
        self._config = config
        self._tally = Tally()
        self._lock = Lock()
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="http engine", daemon=True)
        self._thread.start()
        with ExitStack() as undo:
            undo.callback(self._stop)
            self._client = self._wait_for(self._connect(key))
            self._version = self._wait_for(self._client.version())
            self._asking = Asking(self._client, config, key, self._tally)
            undo.pop_all()

    @property
    def version(self) -> str:
        """The protocol, and whose server of which version it is, as far as the server says.

        A server that does not say within a second when the engine starts counts as one that does
        not say.
        """
        return self._version

    @property
    def counts(self) -> Counts:
        """What was done so far."""
        return self._tally.counts()

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling, heard: Heard = unheard
    ) -> list[list[Reply]]:
        """``sampling.samples`` replies per ask, in the order of ``asks``.

        Errors of a reply: ``truncated``, ``refused``, ``empty``, ``unparsable``, ``too_long`` and
        ``bad_request`` are about the ask; ``rate_limited``, ``server_error``, ``connection`` and
        ``timeout`` stand after ``attempts`` tries that failed so. Their ``detail`` is at most 200
        characters of what was said; that of a text whose JSON had to be mended is ``repaired``.

        Raises:
            EngineError: the server lets no one in, is not where ``base_url`` says, does not know
                the model, or does not answer; or the engine is closed.
        """
        return self._wait_for(self._asking.replies(asks, sampling, heard))

    def close(self) -> None:
        """Stops the thread. What is under way ends with EngineError."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._stop()

    def _wait_for(self, work: Coroutine[Any, Any, T]) -> T:
        with self._lock:
            if self._closed:
                work.close()
                raise EngineError("the engine is closed")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except CancelledError:
            raise EngineError("the engine was closed") from None
        finally:
            # Whatever interrupts the caller, Ctrl-C included, also ends the requests.
            future.cancel()

    async def _connect(self, key: Key) -> Client:
        return Client(self._config, key, self._tally)

    async def _end(self) -> None:
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._client.close()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
