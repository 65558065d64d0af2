"""The engine that asks a server which speaks the OpenAI protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from pipeline.engines.base import Ask, EngineError, Sampling
from pipeline.engines.http.api_key import read_key
from pipeline.engines.http.client import PROTOCOL, Client
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.metrics import Metrics, MetricsCounter
from pipeline.engines.http.sampler import Sampler
from pipeline.engines.loop_thread import LoopThread
from pipeline.engines.sampling import Answered


class HttpEngine:
    """Asks a server, many requests at once, on an event loop in a thread of its own.

    All callers share the loop, its connections and its limits: ``concurrency`` requests (without
    one, as many as the server has slots) and ``megabytes`` of their bodies are under way at most. A
    body is built when the limits admit it. A server that is away is waited for, ``patience_s`` at
    most.
    """

    def __init__(self, config: HttpConfig) -> None:
        """Reads the key and starts the thread. The server is not looked for yet.

        Raises:
            EngineError: there is no key where the config points, or it names several servers.
        """
        if config.further_urls:
            raise EngineError(
                "an engine asks one server: open one for each of config.replica_configs()"
            )
        key = read_key(config)
        self._metrics = MetricsCounter()

        @asynccontextmanager
        async def opening() -> AsyncIterator[Sampler]:
            client = Client(config, key, self._metrics)
            try:
                yield Sampler(client, config, key, self._metrics)
            finally:
                await client.close()

        self._version: str | None = None
        self._closed = False
        self._thread = LoopThread("http engine", opening)

    @property
    def version(self) -> str:
        """The protocol, and whose server of which version it is, as far as the server says.

        A server that does not say within a second when it is first there counts as one that does
        not say. Of an engine that was closed before it is the protocol alone.

        Raises:
            EngineError: the server is away for longer than ``patience_s``.
        """
        if self._version is None:
            if self._closed:
                return PROTOCOL
            self._version = self._thread.run(Sampler.version)
        return self._version

    @property
    def metrics(self) -> Metrics:
        """Since the engine was opened."""
        return self._metrics.snapshot()

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> Iterator[Answered]:
        """See ``Engine.generate``.

        Errors of a reply: ``truncated``, ``text_cut``, ``text_loops``, ``refused``, ``empty``,
        ``unparsable``, ``answer_too_large``, ``quotes_key``, ``too_long``, ``unsupported`` and
        ``bad_request`` are about the ask;
        ``rate_limited``, ``server_error``, ``connection`` and ``timeout`` are of requests that
        failed so ``attempts`` times. Their ``detail`` is at most 200 characters of the server's
        message or the model's text; that of a text whose JSON was repaired is ``repaired``.

        Raises:
            EngineError: the server lets no one in, is not where ``base_url`` says, does not know
                the model, answers with another, or does not answer; or the engine is closed.
        """
        return self._thread.stream(
            lambda sampler, hand_over: sampler.replies(asks, sampling, hand_over)
        )

    def close(self) -> None:
        """Stops the thread. Work under way ends with EngineError."""
        self._closed = True
        self._thread.close()
