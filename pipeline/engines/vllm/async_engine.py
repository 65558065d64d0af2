"""The asks of one engine on one event loop: how many at once, and what to do when it dies."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from time import monotonic
from typing import Final

from pipeline.engines.base import Ask, EngineError, Reply, Sampling
from pipeline.engines.errors import RequestError
from pipeline.engines.limiter import Limiter
from pipeline.engines.sampling import MEGABYTE, Answered, gather_bounded
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.images import size_bytes
from pipeline.engines.vllm.interface import DiedError
from pipeline.engines.vllm.model import Model
from pipeline.engines.vllm.sampler import replies_of
from pipeline.engines.vllm.shared_lock import SharedLock

ENGINE_DIED: Final = "engine_died"
TOGETHER = 2
"""Deaths after which an ask that was under way each time is asked with nothing beside it."""

logger = logging.getLogger(__name__)


class AsyncEngine:
    """What ``VllmEngine`` does, for callers on the event loop that it is made on."""

    def __init__(self, config: VllmConfig) -> None:
        """Loads the model, on the event loop: nobody is there to wait for anything else.

        Raises:
            EngineError: vLLM cannot run it.
        """
        self._config = config
        self._room = Limiter(config.concurrency, config.megabytes * MEGABYTE)
        self._gate = SharedLock()
        self._deaths = 0
        self._gone: str | None = None
        self._model = Model(config)

    async def generate(
        self,
        asks: Sequence[Ask],
        sampling: Sampling,
        hand_over: Callable[[Answered], Awaitable[None]],
    ) -> None:
        """Hands over each ask with its replies. See ``Engine.generate``."""

        async def answer(ask: Ask) -> list[Reply]:
            try:
                taken_bytes = size_bytes(ask.frames, self._config.max_pixels)
            except RequestError as failure:
                reply = Reply(ask.request_id, error=failure.error, detail=failure.detail)
                return [reply] * sampling.samples
            async with self._room.enter(taken_bytes):
                started_s = monotonic()
                replies = await self._replies(ask, sampling)
                latency_s = monotonic() - started_s
            return [replace(reply, latency_s=latency_s) for reply in replies]

        await gather_bounded(asks, self._config.concurrency, answer, hand_over)

    @property
    def under_way(self) -> int:
        """How many requests vLLM works on."""
        return self._model.under_way

    def close(self) -> None:
        """Ends the process that holds the model."""
        self._model.close()

    async def _replies(self, ask: Ask, sampling: Sampling) -> list[Reply]:
        deaths = 0
        while deaths <= TOGETHER:
            alone = deaths == TOGETHER
            async with self._gate.alone() if alone else self._gate.together():
                if self._gone is not None:
                    raise EngineError(self._gone)
                model = self._model
                try:
                    replies = await replies_of(model, ask, sampling, self._config)
                except DiedError:
                    deaths += 1
                    self._start_again(model)
                    continue
                if any(reply.tokens_out for reply in replies):
                    self._deaths = 0
                return replies
        detail = f"vLLM died {deaths} times while this was asked, at last with nothing beside it"
        return [Reply(ask.request_id, error=ENGINE_DIED, detail=detail)] * sampling.samples

    def _start_again(self, dead: Model) -> None:
        """Puts another model in the place of a dead one, unless that was done already."""
        if self._model is not dead or self._gone is not None:
            return
        self._deaths += 1
        dead.close()
        if self._deaths > self._config.restarts:
            self._gone = (
                f"vLLM died {self._deaths} times with no answer between; its own log says why."
                " Often that is memory: see memory_share, max_model_len, max_num_seqs, megabytes"
            )
            raise EngineError(self._gone)
        logger.warning("vLLM died; it is started again, and what was under way is asked again")
        try:
            self._model = Model(self._config)
        except EngineError as error:
            self._gone = str(error)
            raise
