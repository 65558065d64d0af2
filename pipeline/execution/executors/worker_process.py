"""A process of this machine that runs shards, and the two ends of its pipe."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection

from pipeline.engines import close_engines
from pipeline.execution.worker import run_shard
from pipeline.workflow.task import ShardResult, ShardTask

CLOSING_S = 10.0
"""An engine that takes longer to give back what it holds is left to the system."""

_GRACE_S = 5.0
"""For the process to notice that its engine took too long, and to end."""


class WorkerProcess:
    """A process that runs up to ``slots`` shards at once, in threads that share its engines.

    It ends when its pipe does: with ``close``, and with its parent.
    """

    def __init__(self, slots: int, environment: Mapping[str, str]) -> None:
        """Starts it, with ``environment`` above that of this process as it is now."""
        self.slots = slots
        self.environment = environment
        self.connection: Connection
        # Not fork: the decoders and Arrow hold threads. Not spawn: it would run the command again.
        context = multiprocessing.get_context("forkserver")
        self.connection, theirs = context.Pipe()
        # The fork server has kept the environment in which it was started.
        given = {**os.environ, **environment}
        self._process = context.Process(target=_serve, args=(theirs, slots, given))
        self._process.start()
        theirs.close()

    def start(self, task: ShardTask) -> None:
        """Hand over a task. One that can no longer be received shows in ``result``."""
        # Broken where the other end is closed, reset where that left something unread.
        with suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(task)

    def result(self) -> ShardResult | None:
        """The next result; None when the process died. Waits for it."""
        try:
            result: ShardResult = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None
        return result

    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.is_alive()

    def close(self) -> None:
        """Let the process end, and what it is doing with it. Does not wait."""
        self.connection.close()

    def wait(self) -> None:
        """Wait until the process has ended; one that cannot end by itself is killed."""
        self._process.join(CLOSING_S + _GRACE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_GRACE_S)


def _serve(connection: Connection, slots: int, environment: Mapping[str, str]) -> None:
    """Run what comes until the pipe ends, then end the process, whatever is still under way."""
    # Ctrl-C reaches the whole group; the parent says what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    # A child that an engine forks must not hold the pipe open when this process is gone.
    os.register_at_fork(after_in_child=connection.close)
    sending = threading.Lock()

    def run(task: ShardTask) -> None:
        result = run_shard(task)
        with sending, suppress(BrokenPipeError, ConnectionResetError):
            connection.send(result)

    threads = ThreadPoolExecutor(slots)
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            break
        threads.submit(run, task).add_done_callback(_end_where_no_result_comes)
    late = threading.Timer(CLOSING_S, os._exit, (1,))
    late.daemon = True
    late.start()
    close_engines()
    os._exit(0)


def _end_where_no_result_comes(run: Future[None]) -> None:
    """Whoever waits for the result would wait for ever; that a process died is noticed."""
    if error := run.exception():
        traceback.print_exception(error)
        os._exit(1)
