"""The asks of one server on one event loop: how many at once, and when to give up."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.engines.base import Ask, EngineError, Reply, Sampling
from pipeline.engines.http.asking import Asking
from pipeline.engines.http.body import Body
from pipeline.engines.http.client import Client
from pipeline.engines.http.config import HttpConfig
from pipeline.engines.http.counts import Tally
from pipeline.engines.http.key import Key
from pipeline.engines.http.room import Room

MEGABYTE = 1_000_000
VERSION = "openai-http"
VERSION_LIMIT_S = 1.0
VERSION_CHARACTERS = 60


class AsyncEngine:
    """What ``HttpEngine`` does, for callers on the event loop that it is made on."""

    def __init__(self, config: HttpConfig, key: Key, client: Client, tally: Tally) -> None:
        """Asks nothing yet."""
        self._config = config
        self._client = client
        self._tally = tally
        self._key = key
        self._asking = Asking(client, config, key)
        self._room = Room(config.concurrency, config.megabytes * MEGABYTE)
        self._version: asyncio.Task[str] | None = None

    async def generate(self, asks: Sequence[Ask], sampling: Sampling) -> list[list[Reply]]:
        """See ``Engine.generate``."""
        # Now, before the server is busy with asks.
        self._learn_version()
        found: dict[int, list[Reply]] = {}
        todo = iter(enumerate(asks))
        workers = [
            asyncio.create_task(self._work(todo, sampling, found))
            for _ in range(min(len(asks), self._config.concurrency))
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        replies = [found[i] for i in range(len(asks))]
        if asks and all(reply.error == "connection" for samples in replies for reply in samples):
            raise EngineError(
                f"{self._config.base_url} does not answer: all {len(asks)} asks ended without a"
                f" connection, the last with {replies[-1][0].detail}"
            )
        return replies

    async def version(self) -> str:
        """See ``HttpEngine.version``."""
        # One caller that is interrupted must not end it for the others.
        return await asyncio.shield(self._learn_version())

    def _learn_version(self) -> asyncio.Task[str]:
        if self._version is None:
            self._version = asyncio.create_task(self._ask_version())
        return self._version

    async def _work(
        self, todo: Iterator[tuple[int, Ask]], sampling: Sampling, found: dict[int, list[Reply]]
    ) -> None:
        for i, ask in todo:
            body = Body(self._config, ask, sampling)
            async with self._room.enter(body.size_bytes):
                found[i] = await self._asking.replies(ask, body, sampling)
            self._tally.answered(found[i])

    async def _ask_version(self) -> str:
        models_url = f"{self._config.base_url}/models"
        version_url = re.sub(r"/v\d+$", "", self._config.base_url) + "/version"
        models, version = await asyncio.gather(
            self._client.look_up(models_url, VERSION_LIMIT_S),
            self._client.look_up(version_url, VERSION_LIMIT_S),
        )
        parts = (_owner(models, self._config.model), _text(version, "version"))
        told = (self._key.said(part)[:VERSION_CHARACTERS] for part in parts)
        return " ".join(filter(None, (VERSION, *told)))


def _owner(models: Any, name: str) -> str:
    """Who serves the model, as the list of models has it: vLLM and others give their own name."""
    listed = models.get("data") if isinstance(models, dict) else None
    found = [m for m in listed if _text(m, "id") == name] if isinstance(listed, list) else []
    return _text(found[0], "owned_by") if found else ""


def _text(value: Any, name: str) -> str:
    text = value.get(name) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
