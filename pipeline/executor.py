"""Where shards run. An executor starts each task once its inputs exist, and knows nothing else."""

from __future__ import annotations

import heapq
import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Protocol

from pipeline.worker import ShardResult, ShardTask, run_shard

JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Set by Ray in a process that ``ray job submit`` started."""

ATTEMPTS = 2
"""How often a task is started whose worker process died under it."""


class Executor(Protocol):
    """Runs a graph of tasks."""

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """One result a task, as they finish.

        A task starts when no other task of ``tasks`` still has to make one of its inputs. One
        below a task that failed is not started; its result says ``blocked``.
        """
        ...


class Pool(Protocol):
    """Workers that run tasks at once. What ``LocalExecutor`` and ``RayExecutor`` differ in."""

    capacity: int
    """How many tasks it is worth handing over at a time."""

    def start(self, task: ShardTask) -> None:
        """Hand over one task."""
        ...

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | None]]:
        """Wait for at least one task; a result of None says that its worker died."""
        ...


class Frontier:
    """Which tasks may start. Deeper tasks go first, so that shards come to their end early."""

    def __init__(self, tasks: Sequence[ShardTask]) -> None:
        """``tasks`` come node after node, each after those it reads."""
        makers = {task.part: i for i, task in enumerate(tasks)}
        self._tasks = tasks
        self._waits = [
            {makers[part] for part in task.input_parts if part in makers} for task in tasks
        ]
        self._below: list[list[int]] = [[] for _ in tasks]
        for i, waits in enumerate(self._waits):
            for maker in waits:
                self._below[maker].append(i)
        self._index = makers
        # Tasks come node after node: the highest index is the deepest node. A heap pops the least.
        self._ready = [-i for i, waits in enumerate(self._waits) if not waits]
        heapq.heapify(self._ready)
        self._open = set(range(len(tasks)))

    def take(self) -> ShardTask | None:
        """The next task to start, or None while there is none."""
        if not self._ready:
            return None
        return self._tasks[-heapq.heappop(self._ready)]

    def done(self, part: Path) -> None:
        """The part exists now."""
        i = self._index[part]
        self._open.discard(i)
        for below in self._below[i]:
            self._waits[below].discard(i)
            if not self._waits[below]:
                heapq.heappush(self._ready, -below)

    def failed(self, part: Path) -> Iterator[ShardTask]:
        """Every task that can no longer start because this part will not exist."""
        stack = [self._index[part]]
        self._open.discard(stack[0])
        while stack:
            for below in self._below[stack.pop()]:
                if below in self._open:
                    self._open.discard(below)
                    stack.append(below)
                    yield self._tasks[below]


def run_on(pool: Pool, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
    """``Executor.run`` on the workers of a pool."""
    frontier = Frontier(tasks)
    attempts: dict[Path, int] = {}
    running = 0
    while True:
        while running < pool.capacity and (task := frontier.take()):
            pool.start(task)
            running += 1
        if not running:
            return
        for task, result in pool.finished():
            if result is None:
                attempts[task.part] = attempts.get(task.part, 1) + 1
                if attempts[task.part] <= ATTEMPTS:
                    pool.start(task)
                    continue
                error = f"its worker process died {ATTEMPTS} times"
                result = ShardResult(task.node, task.shard, task.part, error=error)  # noqa: PLW2901
            running -= 1
            yield result
            if result.error is None:
                frontier.done(task.part)
                continue
            for blocked in frontier.failed(task.part):
                error = f"not started: {task.node} failed on shard {task.shard}"
                yield ShardResult(
                    blocked.node, blocked.shard, blocked.part, error=error, blocked=True
                )


class LocalExecutor:
    """Processes of this machine, one task at a time each."""

    def __init__(self, workers: int | None = None) -> None:
        """One process for each CPU this process may use, unless ``workers`` says otherwise."""
        self._workers = workers or len(os.sched_getaffinity(0))

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """See ``Executor.run``."""
        pool = _ProcessPool(min(self._workers, max(1, len(tasks))))
        try:
            yield from run_on(pool, tasks)
        finally:
            pool.close()


class _ProcessPool:
    """Pools of one process each, so that a process that dies takes no other task with it."""

    def __init__(self, workers: int) -> None:
        self.capacity = workers
        self._idle = [_one_process() for _ in range(workers)]
        self._running: dict[Future[ShardResult], tuple[ShardTask, ProcessPoolExecutor]] = {}

    def start(self, task: ShardTask) -> None:
        process = self._idle.pop()
        self._running[process.submit(run_shard, task)] = (task, process)

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | None]]:
        done, _ = wait(self._running, return_when=FIRST_COMPLETED)
        found: list[tuple[ShardTask, ShardResult | None]] = []
        for future in done:
            task, process = self._running.pop(future)
            try:
                found.append((task, future.result()))
            except BrokenProcessPool:
                process.shutdown(wait=False)
                process = _one_process()
                found.append((task, None))
            self._idle.append(process)
        return found

    def close(self) -> None:
        for process in [*self._idle, *(process for _, process in self._running.values())]:
            process.shutdown(wait=False, cancel_futures=True)


def _one_process() -> ProcessPoolExecutor:
    # Not fork: the decoders and Arrow hold threads. Not spawn: it would run the command again.
    context = multiprocessing.get_context("forkserver")
    return ProcessPoolExecutor(1, mp_context=context, initializer=_end_with_parent)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    threading.Thread(target=_wait_for_parent, daemon=True).start()


def _wait_for_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
