"""Runs a graph of tasks on a pool of processes: starts what is ready, retries what was lost."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Protocol

from pipeline.execution.executors.ready_queue import PoolKey, ReadyQueue, pool_key
from pipeline.workflow.config import ExecutorName
from pipeline.workflow.inputs import PartsMade
from pipeline.workflow.task import Key, PlannedTask, ShardResult, ShardTask, Task

ATTEMPTS = 2
"""How often a task is started whose worker process died under it."""

DEATHS_IN_A_ROW = 5
"""After so many deaths of an engine's processes without a finished task, its tasks fail."""

MACHINES = 5
"""How many machines a task may lose. Machines leave for reasons of their own, but a task that
exhausts the memory of each takes down more than its process. The processes of an engine may lose
so many each without a finished task between them."""

CLOSE_TIMEOUT_S = 10.0
"""An engine that takes longer to free what it holds is killed with its process."""


class Executor(Protocol):
    """Runs a graph of tasks."""

    def run(self, tasks: Sequence[PlannedTask], made: PartsMade) -> Iterator[ShardResult]:
        """One result a task, as they finish; ``made`` has all other parts that they need.

        A task starts when every part that it reads exists. If it was made of these very rows
        before, it does not start, and its result is marked ``unchanged``. A task below one that
        failed is not started; its result is marked ``blocked``.
        """
        ...


class WatchedExecutor(Executor, Protocol):
    """One that says what it is doing."""

    @property
    def name(self) -> ExecutorName:
        """As the config names it."""
        ...

    @property
    def workers(self) -> int | None:
        """Processes of this machine; None where a cluster decides."""
        ...

    @property
    def in_flight(self) -> Mapping[str, int]:
        """How many tasks of each node are with a worker now; on Ray submitted, which may mean that
        they wait for one. Another thread may copy it while ``run`` goes on."""
        ...


class Loss(Enum):
    """Why a running task has no result."""

    PROCESS = "its worker process died"
    MACHINE = "the machine it ran on was lost"
    SILENCE = "its worker process gave no sign of life (run.worker_silence_s)"


_LIMITS = {Loss.PROCESS: ATTEMPTS, Loss.MACHINE: MACHINES, Loss.SILENCE: ATTEMPTS}


class Pool(Protocol):
    """Processes that run tasks, grouped by ``PoolKey``: the part that differs by executor."""

    def open(self, key: PoolKey) -> None:
        """Start the processes of a key, as many as fit now.

        Called again while tasks of the key wait: what did not fit before may fit now.
        """
        ...

    def capacity(self, key: PoolKey) -> int:
        """How many tasks of a key may run at once; 0 while it has no process."""
        ...

    def close(self, key: PoolKey) -> None:
        """End the processes of a key, of which no task is running."""
        ...

    def start(self, task: ShardTask) -> None:
        """Start one task."""
        ...

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | Loss]]:
        """Wait until tasks finished or were lost, or a process became ready; the former, if any."""
        ...


def run_on(
    pool: Pool,
    tasks: Sequence[PlannedTask],
    made: PartsMade,
    pool_key: Callable[[Task], PoolKey] = pool_key,
    in_flight: Counter[str] | None = None,
    waiting: Counter[str] | None = None,
) -> Iterator[ShardResult]:
    """``Executor.run`` on a pool. ``in_flight``: see ``WatchedExecutor``. ``waiting`` is kept like
    it: how many tasks of each node can start and have not.

    Engines that do not fit beside each other take turns: when nothing else can go on, those without
    a ready task are closed.
    """
    queue = ReadyQueue(tasks, made.resolve, pool_key, waiting)
    yield from queue.opened()
    starter = _Starter(pool, queue, Counter() if in_flight is None else in_flight)
    while True:
        # An engine without a process is offered free resources before another gets more of them.
        for key in sorted(queue.keys, key=lambda key: pool.capacity(key) > 0):
            for failure in starter.start(key):
                yield from _settle(queue, made, failure)
        if not starter.busy:
            left = [key for key in queue.keys if starter.waiting(key)]
            for key in set(queue.keys) - set(left):
                pool.close(key)
            if not left:
                return
            for key in left:
                pool.open(key)
        finished = pool.finished()
        lost = [(task, result) for task, result in finished if isinstance(result, Loss)]
        for failure in starter.lost(lost):
            yield from _settle(queue, made, failure)
        for task, result in finished:
            if isinstance(result, ShardResult):
                starter.ended(task)
                yield from _settle(queue, made, result)
        for key in queue.keys:
            if not queue.unfinished(key):
                pool.close(key)


def _settle(queue: ReadyQueue, made: PartsMade, result: ShardResult) -> Iterator[ShardResult]:
    """A result, and those of the tasks that then need not start, or cannot."""
    yield result
    if result.part is not None:
        for key, part in result.parts:
            made.add(key, part)
        yield from queue.done(result.key)
        return
    error = f"not started: {result.node} failed on shard {result.shard}"
    for blocked in queue.failed(result.key):
        yield ShardResult(node=blocked.node, shard=blocked.shard, error=error, blocked=True)


class _Starter:
    """Starts tasks up to the pool's capacity, and retries those whose process or machine was lost.

    When a process that several tasks share dies, each of them is a suspect and is retried alone, so
    that only the one at fault fails. A task on a machine that was lost is retried beside others.
    """

    def __init__(self, pool: Pool, queue: ReadyQueue, in_flight: Counter[str]) -> None:
        self._pool = pool
        self._queue = queue
        self._in_flight = in_flight
        self._running: dict[PoolKey, set[Key]] = {key: set() for key in queue.keys}
        self._suspects: dict[PoolKey, deque[ShardTask]] = {key: deque() for key in queue.keys}
        self._displaced: dict[PoolKey, deque[ShardTask]] = {key: deque() for key in queue.keys}
        self._losses: dict[Loss, Counter[Key]] = {loss: Counter() for loss in Loss}
        self._in_a_row: dict[Loss, Counter[PoolKey]] = {loss: Counter() for loss in Loss}

    @property
    def busy(self) -> bool:
        """Whether a task is running."""
        return any(self._running.values())

    def waiting(self, key: PoolKey) -> bool:
        """Whether a key has tasks that can start."""
        return bool(self._suspects[key] or self._displaced[key]) or self._queue.ready(key)

    def start(self, key: PoolKey) -> Iterator[ShardResult]:
        """Start tasks of a key up to its capacity; failures of those that are given up."""
        if not self.waiting(key):
            return
        if self._hopeless(key):
            while task := self._take(key):
                yield _failure(task, "not started: the process of its engine dies again and again")
            return
        self._pool.open(key)
        while len(self._running[key]) < self._most(key) and (task := self._take(key)):
            self._pool.start(task)
            self._running[key].add(task.key)
            self._in_flight[task.node] += 1

    def ended(self, task: ShardTask) -> None:
        """A task has a result."""
        key = self._queue.pool_key(task)
        self._leave(task)
        for loss in Loss:
            self._losses[loss].pop(task.key, None)
            self._in_a_row[loss][key] = 0

    def lost(self, tasks: Sequence[tuple[ShardTask, Loss]]) -> Iterator[ShardResult]:
        """Tasks were lost; failures of those that are given up."""
        for key, loss in {(self._queue.pool_key(task), loss) for task, loss in tasks}:
            self._in_a_row[loss][key] += 1
        for task, loss in tasks:
            key = self._queue.pool_key(task)
            self._leave(task)
            self._losses[loss][task.key] += 1
            if self._losses[loss][task.key] == _LIMITS[loss]:
                for losses in self._losses.values():
                    losses.pop(task.key, None)
                yield _failure(task, f"{loss.value} {_LIMITS[loss]} times")
                continue
            alone = task.key in self._losses[Loss.PROCESS]
            (self._suspects if alone else self._displaced)[key].append(task)
            self._queue.waiting[task.node] += 1

    def _leave(self, task: ShardTask) -> None:
        self._running[self._queue.pool_key(task)].discard(task.key)
        self._in_flight[task.node] -= 1

    def _hopeless(self, key: PoolKey) -> bool:
        """Whether the processes of an engine were lost too often without a finished task."""
        if key.engine is None:
            return False
        deaths, machines = (self._in_a_row[loss][key] for loss in (Loss.PROCESS, Loss.MACHINE))
        return deaths >= DEATHS_IN_A_ROW or machines >= MACHINES * len(key.engine.replica_configs())

    def _take(self, key: PoolKey) -> ShardTask | None:
        retried = self._suspects[key] or self._displaced[key]
        if not retried:
            return self._queue.take(key)
        task = retried.popleft()
        self._queue.waiting[task.node] -= 1
        return task

    def _most(self, key: PoolKey) -> int:
        """How many tasks of a key may run now: at most one while there is a suspect."""
        capacity = self._pool.capacity(key)
        # A process without an engine has one task at a time: no other can be at fault.
        if key.engine is None:
            return capacity
        suspected = self._suspects[key] or not self._running[key].isdisjoint(
            self._losses[Loss.PROCESS]
        )
        return min(1, capacity) if suspected else capacity


def _failure(task: ShardTask, error: str) -> ShardResult:
    return ShardResult(node=task.node, shard=task.shard, slot=task.slot, error=error)
