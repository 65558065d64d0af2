"""The engine on its event loop: limits what is under way, and restarts vLLM when it dies."""

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
SHARED_DEATHS = 2
"""An ask that was under way at so many deaths of vLLM is asked alone."""

logger = logging.getLogger(__name__)


class AsyncEngine:
    """``VllmEngine`` for callers on the event loop on which it is made."""

    def __init__(self, config: VllmConfig) -> None:
        """Loads the model; the event loop has nothing else to do meanwhile.

        Raises:
            EngineError: vLLM cannot run it.
        """
        self._config = config
        self._limiter = Limiter(config.concurrency, config.megabytes * MEGABYTE)
        self._lock = SharedLock()
        self._deaths = 0
        self._failure: str | None = None
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
            async with self._limiter.enter(taken_bytes):
                started_s = monotonic()
                replies = await self._replies(ask, sampling)
                latency_s = monotonic() - started_s
            return [replace(reply, latency_s=latency_s) for reply in replies]

        await gather_bounded(asks, self._config.concurrency, answer, hand_over)

    @property
    def under_way(self) -> int:
        """How many requests vLLM has."""
        return self._model.under_way

    def close(self) -> None:
        """Ends the process that holds the model."""
        self._model.close()

    async def _replies(self, ask: Ask, sampling: Sampling) -> list[Reply]:
        deaths = 0
        while deaths <= SHARED_DEATHS:
            alone = deaths == SHARED_DEATHS
            async with self._lock.alone() if alone else self._lock.together():
                if self._failure is not None:
                    raise EngineError(self._failure)
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
        detail = f"vLLM died {deaths} times while this was asked, the last time alone"
        return [Reply(ask.request_id, error=ENGINE_DIED, detail=detail)] * sampling.samples

    def _start_again(self, dead: Model) -> None:
        """Replaces a dead model, unless that was done already."""
        if self._model is not dead or self._failure is not None:
            return
        self._deaths += 1
        dead.close()
        if self._deaths > self._config.restarts:
            self._failure = (
                f"vLLM died {self._deaths} times with no answer between; its own log says why."
                " Often that is memory: see memory_share, max_model_len, max_num_seqs, megabytes"
            )
            raise EngineError(self._failure)
        logger.warning("vLLM died; it is started again, and the asks under way are asked again")
        try:
            self._model = Model(self._config)
        except EngineError as error:
            self._failure = str(error)
            raise
