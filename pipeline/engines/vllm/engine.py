"""The engine that runs a model with vLLM."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from pipeline.engines.base import Ask, Sampling
from pipeline.engines.loop_thread import LoopThread
from pipeline.engines.sampling import Answered
from pipeline.engines.vllm.async_engine import AsyncEngine
from pipeline.engines.vllm.config import VllmConfig
from pipeline.engines.vllm.model import VERSION


class VllmEngine:
    """Runs a model, for all callers at once: the asks of each go to vLLM as they come.

    vLLM puts them together; at most ``concurrency`` of them, and ``megabytes`` of their frames, are
    in its hands. A frame is decoded when there is room for it. What has the same bytes and the same
    size as a frame of an earlier ask is not encoded again, as long as vLLM keeps it.

    If vLLM dies it is started again, and what was under way is asked again; the answers are the
    ones that it would have given. What was under way twice is asked with nothing beside it, so that
    an ask that kills vLLM is refused by itself.
    """

    def __init__(self, config: VllmConfig) -> None:
        """Loads the model, which takes from seconds to minutes.

        Raises:
            EngineError: vLLM cannot run the model, or does not know one of ``engine_args``.
        """

        @asynccontextmanager
        async def opening() -> AsyncIterator[AsyncEngine]:
            engine = AsyncEngine(config)
            try:
                yield engine
            finally:
                engine.close()

        self._thread = LoopThread("vllm engine", opening)

    @property
    def version(self) -> str:
        """Of vLLM."""
        return VERSION

    @property
    def under_way(self) -> int:
        """How many requests vLLM works on now.

        Raises:
            EngineError: the engine is closed.
        """

        async def count(engine: AsyncEngine) -> int:
            return engine.under_way

        return self._thread.run(count)

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> Iterator[Answered]:
        """See ``Engine.generate``.

        Errors of a reply: ``truncated``, ``empty``, ``unparsable``, ``too_long`` and
        ``bad_request`` are about the ask; ``engine_died`` stands where vLLM died of it, and
        ``server_error`` where vLLM gave it up. Their ``detail`` is at most 200 characters of what
        was said; that of a text whose JSON had to be mended is ``repaired``.

        Raises:
            EngineError: vLLM died too often, or could not be started again, or this is closed.
        """
        return self._thread.stream(
            lambda engine, hand_over: engine.generate(asks, sampling, hand_over)
        )

    def close(self) -> None:
        """Ends vLLM. What is under way ends with EngineError."""
        self._thread.close()
        # vLLM's objects hold each other, and complain when they outlive its modules.
        gc.collect()
