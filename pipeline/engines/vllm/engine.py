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
    """Runs a model for all callers at once: asks go to vLLM as they come, and vLLM batches them.

    At most ``concurrency`` asks, with at most ``megabytes`` of frames, are with vLLM at once; a
    frame is decoded when these limits admit its ask. A frame with the bytes and the size of an
    earlier one is not encoded again while vLLM has it cached.

    If vLLM dies it is started again, and the asks under way are asked again, with the same answers.
    An ask that was under way at two deaths is asked alone, so that an ask that kills vLLM is found
    and refused.
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
        """How many requests vLLM has now.

        Raises:
            EngineError: the engine is closed.
        """

        async def count(engine: AsyncEngine) -> int:
            return engine.under_way

        return self._thread.run(count)

    def generate(self, asks: Sequence[Ask], sampling: Sampling) -> Iterator[Answered]:
        """See ``Engine.generate``.

        Errors of a reply: ``truncated``, ``empty``, ``unparsable``, ``too_long`` and
        ``bad_request`` are about the ask; ``engine_died`` is of an ask that killed vLLM, and
        ``server_error`` of one that vLLM aborted. Their ``detail`` is at most 200 characters of the
        message or the model's text; that of a text whose JSON was repaired is ``repaired``.

        Raises:
            EngineError: vLLM died too often, or could not be started again, or this is closed.
        """
        return self._thread.stream(
            lambda engine, hand_over: engine.generate(asks, sampling, hand_over)
        )

    def close(self) -> None:
        """Ends vLLM. Work under way ends with EngineError."""
        self._thread.close()
        # vLLM's objects are in reference cycles, and fail if they outlive its modules.
        gc.collect()
