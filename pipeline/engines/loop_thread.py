"""An event loop in a thread of its own, for callers in other threads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Lock, Thread
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
    """Keeps a resource open on an event loop until it is closed. Safe to use from any thread."""

    def __init__(self, name: str, opening: Callable[[], AbstractAsyncContextManager[S]]) -> None:
        """Starts the thread, and waits until ``opening`` was entered on its loop.

        Raises:
            EngineError, ValueError: as ``opening`` raised it.
        """
        self._lock = Lock()
        started: Future[_Running[S]] = Future()
        self._thread = Thread(
            target=lambda: asyncio.run(_serve(opening, started)), name=name, daemon=True
        )
        self._thread.start()
        try:
            self._running: _Running[S] | None = started.result()
        except (EngineError, ValueError):
            self._thread.join()
            raise
        finally:
            # After an interrupt the thread closes what it opens, and ends.
            started.cancel()

    def run(self, work: Callable[[S], Coroutine[Any, Any, T]]) -> T:
        """The result of ``work(resource)``, which runs on the loop. An interrupt cancels it.

        Raises:
            EngineError: the thread is closed, or was closed meanwhile.
        """
        future, _ = self._submit(work)
        try:
            return _result(future)
        finally:
            future.cancel()

    def stream(
        self, work: Callable[[S, Callable[[T], Awaitable[None]]], Coroutine[Any, Any, None]]
    ) -> Iterator[T]:
        """Yields what ``work(resource, hand_over)``, which runs on the loop, hands over.

        ``await hand_over(item)`` returns when the caller asks for what comes after the item. What
        was handed over is yielded before an exception of ``work`` is raised. Closing the iterator
        early, or an interrupt, cancels the work.

        Raises:
            EngineError: the thread is closed, or was closed meanwhile.
        """
        items: SimpleQueue[tuple[T, asyncio.Event] | None] = SimpleQueue()
        done_with: SimpleQueue[asyncio.Event] = SimpleQueue()
        woken = Event()

        async def hand_over(item: T) -> None:
            taken = asyncio.Event()
            items.put((item, taken))
            await taken.wait()

        def go_on() -> None:
            woken.clear()  # before it looks: what comes later wakes it again
            while not done_with.empty():
                done_with.get_nowait().set()

        future, loop = self._submit(lambda served: work(served, hand_over))
        future.add_done_callback(lambda _: items.put(None))
        try:
            while (handed := items.get()) is not None:
                item, taken = handed
                yield item
                # The loop is woken once for all that were taken before it came to look. One that
                # was closed meanwhile has cancelled whoever waits for this.
                done_with.put(taken)
                if not woken.is_set():
                    woken.set()
                    with suppress(RuntimeError):
                        loop.call_soon_threadsafe(go_on)
            _result(future)
        finally:
            future.cancel()

    def close(self) -> None:
        """Cancels the work under way, closes the resource, and waits for the thread."""
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                running.loop.call_soon_threadsafe(running.stop.set)
        self._thread.join()

    def _submit(
        self, work: Callable[[S], Coroutine[Any, Any, T]]
    ) -> tuple[Future[T], asyncio.AbstractEventLoop]:
        with self._lock:
            if self._running is None:
                raise EngineError("the engine is closed")
            loop = self._running.loop
            return asyncio.run_coroutine_threadsafe(work(self._running.served), loop), loop


def _result(future: Future[T]) -> T:
    try:
        return future.result()
    except CancelledError:
        raise EngineError("the engine was closed") from None


async def _serve(
    opening: Callable[[], AbstractAsyncContextManager[S]], started: Future[_Running[S]]
) -> None:
    stop = asyncio.Event()
    try:
        async with opening() as served:
            if not started.set_running_or_notify_cancel():
                return
            started.set_result(_Running(asyncio.get_running_loop(), stop, served))
            await stop.wait()
            under_way = asyncio.all_tasks() - {asyncio.current_task()}
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)
    except (EngineError, ValueError) as error:
        if started.done():
            raise
        started.set_exception(error)
    finally:
        # The constructor must not wait for a thread that has ended.
        if not started.done():
            started.set_exception(EngineError("the engine did not start"))
