"""A process of this machine that runs shards, driven over a pipe."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, Final, Literal

from pipeline.engines import close_engines
from pipeline.execution.executors.base import CLOSE_TIMEOUT_S
from pipeline.execution.worker import run_shard
from pipeline.store.files.terminal import escaping
from pipeline.workflow.task import ShardResult, ShardTask

BEAT_S = 1.0
"""How often a process with shards under way gives a sign of life."""
BEAT: Final = "beat"
_LOADED = [__name__, "pandas"]
"""By the fork server, once for all processes. Arrow loads pandas, where it is installed, with the
first array that it makes."""
_START_AGAIN_S = (0.0, 0.1, 1.0)
"""Before each attempt to start a process: one that has just been killed may still be listed."""
_GRACE_S = 5.0
"""For the process to end by itself after ``CLOSE_TIMEOUT_S``."""


class WorkerProcess:
    """A process that runs up to ``slots`` shards at once, in threads that share its engines.

    It ends when its pipe is closed: by ``close``, or by the end of its parent.
    """

    def __init__(self, slots: int, environment: Mapping[str, str]) -> None:
        """Starts it with the environment of this process as it is now and ``environment``."""
        self.slots = slots
        self.environment = environment
        self.connection: Connection
        # Not fork: the decoders and Arrow have threads. Not spawn: it would run the command again.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_LOADED)
        self.connection, theirs = context.Pipe()
        # The fork server has the environment that it was started with.
        full = {**os.environ, **environment}
        with _signals_waiting():
            self._process = _started(context, (theirs, slots, full))
        theirs.close()

    def start(self, task: ShardTask) -> None:
        """Send a task. If the process is dead, the next ``result`` is None."""
        # Broken pipe: the other end is closed. Reset: it was closed with something unread.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(task)

    def result(self) -> ShardResult | Literal["beat"] | None:
        """Wait for the next result or sign of life (``BEAT``); None when the process has died."""
        try:
            result: ShardResult | Literal["beat"] = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None
        return result

    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.is_alive()

    def close(self) -> None:
        """Make the process end, whatever it is running. Does not wait."""
        self.connection.close()

    def kill(self) -> None:
        """End the process at once, also one that is stopped."""
        self._process.kill()

    def wait(self) -> None:
        """Wait until the process has ended; kill it where it does not end by itself."""
        self._process.join(CLOSE_TIMEOUT_S + _GRACE_S)
        if self._process.is_alive():
            self.kill()
            self._process.join(_GRACE_S)


def _started(context: ForkServerContext, arguments: tuple[Any, ...]) -> BaseProcess:
    """A new process that serves tasks. When the fork server dies under it, another is started.

    Raises:
        ConnectionError: the fork server died each time.
    """
    for wait_s in _START_AGAIN_S:
        time.sleep(wait_s)
        process = context.Process(target=_serve, args=arguments)
        with suppress(EOFError, ConnectionError), _without_main():
            process.start()
            return process
    raise ConnectionError("no worker process can be started: the process that forks them dies")


@contextmanager
def _without_main() -> Iterator[None]:
    """The file of the command is out of sight meanwhile: multiprocessing would load it in each
    process, and no task needs it."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _signals_waiting() -> Iterator[None]:
    """Ctrl-C and SIGTERM wait for the end of the block, which starts a process.

    One that misses its first message prints a traceback. And what is started here inherits that
    Ctrl-C waits, until it ignores it: it would print a traceback too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted, or may say what a signal does
        return
    waiting: list[int] = []
    handlers = {
        number: signal.signal(number, lambda number, _: waiting.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    # It unblocks Ctrl-C when it starts, so it has to be there before.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if waiting:
            signal.raise_signal(waiting[0])


@escaping()
def _serve(connection: Connection, slots: int, environment: Mapping[str, str]) -> None:
    """Run tasks until the pipe is closed, then end the process, whatever is still running."""
    # Ctrl-C reaches the whole process group; the parent decides when its workers end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.environ.clear()
    os.environ.update(environment)
    # A child that an engine forks must not keep the pipe open after the end of this process.
    os.register_at_fork(after_in_child=connection.close)
    sending = threading.Lock()
    under_way: set[Future[None]] = set()

    def send(message: ShardResult | Literal["beat"]) -> None:
        with sending, suppress(OSError):  # closed: the parent wants no more of it
            connection.send(message)

    def run(task: ShardTask) -> None:
        result = run_shard(task)
        send(result)

    def beat() -> None:
        while True:
            time.sleep(BEAT_S)
            if under_way:  # else nobody reads it
                send(BEAT)

    send(BEAT)  # it has started, which takes a while
    threading.Thread(target=beat, name="beat", daemon=True).start()
    threads = ThreadPoolExecutor(slots)
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            break
        shard = threads.submit(run, task)
        under_way.add(shard)
        shard.add_done_callback(under_way.discard)
        shard.add_done_callback(_exit_on_failure)
    late = threading.Timer(CLOSE_TIMEOUT_S, os._exit, (1,))
    late.daemon = True
    late.start()
    close_engines()
    os._exit(0)


def _exit_on_failure(run: Future[None]) -> None:
    """End the process where no result could be sent: the parent notices that, and nothing else."""
    if error := run.exception():
        traceback.print_exception(error)
        os._exit(1)
