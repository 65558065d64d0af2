"""A process of this machine that runs shards, and the two ends of its pipe."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection

from pipeline.engines import close_engines
from pipeline.worker import ShardResult, ShardTask, run_shard

CLOSING_S = 10.0
"""An engine that takes longer to give back what it holds is left to the system."""


class WorkerProcess:
    """A process that runs up to ``slots`` shards at once, in threads that share its engines.

    It ends when its pipe does: with ``close``, and with its parent.
    """

    def __init__(self, slots: int, environment: Mapping[str, str]) -> None:
        """Starts it, with ``environment`` above what it inherits."""
        self.slots = slots
        self.environment = environment
        self.connection: Connection
        # Not fork: the decoders and Arrow hold threads. Not spawn: it would run the command again.
        context = multiprocessing.get_context("forkserver")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, slots, dict(environment)))
        self._process.start()
        theirs.close()

    def start(self, task: ShardTask) -> None:
        """Hand over a task. One that can no longer be received shows in ``result``."""
        with suppress(BrokenPipeError):
            self.connection.send(task)

    def result(self) -> ShardResult | None:
        """The next result; None when the process died. Waits for it."""
        try:
            result: ShardResult = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None
        return result

    def close(self) -> None:
        """Let the process end, and what it is doing with it. Does not wait."""
        self.connection.close()


def _serve(connection: Connection, slots: int, environment: Mapping[str, str]) -> None:
    """Run what comes until the pipe ends, then end the process, whatever is still under way."""
    # Ctrl-C reaches the whole group; the parent says what becomes of its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update(environment)
    sending = threading.Lock()

    def run(task: ShardTask) -> None:
        result = run_shard(task)
        with sending:
            connection.send(result)

    threads = ThreadPoolExecutor(slots)
    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            break
        threads.submit(run, task)
    late = threading.Timer(CLOSING_S, os._exit, (1,))
    late.daemon = True
    late.start()
    close_engines()
    os._exit(0)
