"""An event loop in a thread of its own, for callers in other threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Any, Generic, TypeVar

from pipeline.engines.base import EngineError

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class _Running(Generic[S]):
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    served: S


class LoopThread(Generic[S]):
    """Keeps something open on an event loop until it is closed. Safe to use from any thread."""

    def __init__(self, name: str, opening: Callable[[], AbstractAsyncContextManager[S]]) -> None:
        """Starts the thread, and waits until ``opening`` was entered on its loop.

        Raises:
            EngineError: as ``opening`` raised it.
        """
        self._lock = Lock()
        started: Future[_Running[S]] = Future()
        self._thread = Thread(
            target=lambda: asyncio.run(_serve(opening, started)), name=name, daemon=True
        )
        self._thread.start()
        self._running: _Running[S] | None = started.result()

    def run(self, work: Callable[[S], Coroutine[Any, Any, T]]) -> T:
        """What the work comes to that is done on the loop, with what was opened.

        What interrupts the caller also ends the work.

        Raises:
            EngineError: it is closed, or was closed meanwhile.
        """
        with self._lock:
            if self._running is None:
                raise EngineError("the engine is closed")
            coroutine = work(self._running.served)
            future = asyncio.run_coroutine_threadsafe(coroutine, self._running.loop)
        try:
            return future.result()
        except CancelledError:
            raise EngineError("the engine was closed") from None
        finally:
            future.cancel()

    def close(self) -> None:
        """Ends the work under way, closes what was opened, and waits for the thread."""
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                running.loop.call_soon_threadsafe(running.stop.set)
        self._thread.join()


async def _serve(
    opening: Callable[[], AbstractAsyncContextManager[S]], started: Future[_Running[S]]
) -> None:
    stop = asyncio.Event()
    try:
        async with opening() as served:
            started.set_result(_Running(asyncio.get_running_loop(), stop, served))
            await stop.wait()
            under_way = asyncio.all_tasks() - {asyncio.current_task()}
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
    except EngineError as error:
        if started.done():
            raise
        started.set_exception(error)
    finally:
        # Who waits for the start must not wait for a thread that is gone.
        if not started.done():
            started.set_exception(EngineError("the engine did not start"))
