"""Where shards run. An executor starts each task once its inputs exist, and knows nothing else."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Protocol

from pipeline.execution.executors.ready_queue import PoolKey, ReadyQueue, pool_key
from pipeline.store.location import Location
from pipeline.workflow.task import ShardResult, ShardTask

JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Set by Ray in a process that ``ray job submit`` started."""

ATTEMPTS = 2
"""How often a task is started whose worker process died under it."""

DEATHS_IN_A_ROW = 5
"""So many deaths of an engine's process, with no shard done between them, are no accident."""

MACHINES = 5
"""How many machines a task may lose. They leave for reasons of their own; but one that takes all
memory of each takes down more than its process. The processes of an engine that get nothing done
may lose so many each."""


class Executor(Protocol):
    """Runs a graph of tasks."""

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """One result a task, as they finish.

        A task starts when no other task of ``tasks`` still has to make one of its inputs. One
        below a task that failed is not started; its result says ``blocked``.
        """
        ...


class Loss(Enum):
    """Why a task that was under way comes to no result."""

    PROCESS = "its worker process died"
    MACHINE = "the machine it ran on was lost"


_LIMITS = {Loss.PROCESS: ATTEMPTS, Loss.MACHINE: MACHINES}


class Pool(Protocol):
    """Processes that run tasks. What ``LocalExecutor`` and ``RayExecutor`` differ in."""

    def open(self, key: PoolKey) -> None:
        """Get processes for a lane under way, as far as there is room for them.

        Called again while its tasks wait: what did not fit before may fit now.
        """
        ...

    def capacity(self, key: PoolKey) -> int:
        """How many of its tasks may be under way now: none while it has no process."""
        ...

    def close(self, key: PoolKey) -> None:
        """Let the processes of a lane go; no task of it is under way."""
        ...

    def start(self, task: ShardTask) -> None:
        """Hand over one task."""
        ...

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | Loss]]:
        """Wait until something happened: tasks finished or were lost, or a lane got a process."""
        ...


def run_on(
    pool: Pool, tasks: Sequence[ShardTask], pool_key: Callable[[ShardTask], PoolKey] = pool_key
) -> Iterator[ShardResult]:
    """``Executor.run`` on the processes of a pool, in the lanes that it has.

    Engines that do not fit side by side take turns: one that has nothing to do makes room when
    nothing else can go on.
    """
    queue = ReadyQueue(tasks, pool_key)
    starter = _Starter(pool, queue)
    while True:
        # What one engine leaves free goes to one that has nothing, before another gets more of it.
        for key in sorted(queue.keys, key=lambda key: pool.capacity(key) > 0):
            for failure in starter.start(key):
                yield from _settle(queue, failure)
        if not starter.busy:
            waiting = [key for key in queue.keys if starter.waiting(key)]
            for key in set(queue.keys) - set(waiting):
                pool.close(key)
            if not waiting:
                return
            for key in waiting:
                pool.open(key)
        finished = pool.finished()
        lost = [(task, result) for task, result in finished if isinstance(result, Loss)]
        for failure in starter.lost(lost):
            yield from _settle(queue, failure)
        for task, result in finished:
            if isinstance(result, ShardResult):
                starter.ended(task)
                yield from _settle(queue, result)
        for key in queue.keys:
            if not queue.left(key):
                pool.close(key)


def _settle(queue: ReadyQueue, result: ShardResult) -> Iterator[ShardResult]:
    """A result, and those of the tasks that it blocks."""
    yield result
    if result.error is None:
        queue.done(result.part)
        return
    error = f"not started: {result.node} failed on shard {result.shard}"
    for blocked in queue.failed(result.part):
        yield ShardResult(blocked.node, blocked.shard, blocked.part, error=error, blocked=True)


class _Starter:
    """Starts tasks as the pool has room, and deals with processes and machines lost under them.

    A process that several tasks share takes all of them along. Each is tried again with nobody
    beside it, so that only the one at fault fails. A machine that leaves is nobody's fault: what
    ran there is simply run again.
    """

    def __init__(self, pool: Pool, queue: ReadyQueue) -> None:
        self._pool = pool
        self._queue = queue
        self._running: dict[PoolKey, set[Location]] = {key: set() for key in queue.keys}
        self._suspects: dict[PoolKey, deque[ShardTask]] = {key: deque() for key in queue.keys}
        self._displaced: dict[PoolKey, deque[ShardTask]] = {key: deque() for key in queue.keys}
        self._losses: dict[Loss, Counter[Location]] = {loss: Counter() for loss in Loss}
        self._in_a_row: dict[Loss, Counter[PoolKey]] = {loss: Counter() for loss in Loss}

    @property
    def busy(self) -> bool:
        """Whether a task is under way."""
        return any(self._running.values())

    def waiting(self, key: PoolKey) -> bool:
        """Whether a lane has tasks that may start."""
        return bool(self._suspects[key] or self._displaced[key]) or self._queue.ready(key)

    def start(self, key: PoolKey) -> Iterator[ShardResult]:
        """Start what there is room for; yields failures of what is not worth starting."""
        if not self.waiting(key):
            return
        if self._hopeless(key):
            while task := self._take(key):
                yield _failure(task, "not started: the process of its engine dies again and again")
            return
        self._pool.open(key)
        while len(self._running[key]) < self._room(key) and (task := self._take(key)):
            self._pool.start(task)
            self._running[key].add(task.part)

    def ended(self, task: ShardTask) -> None:
        """A task came to its result."""
        key = self._queue.pool_key(task)
        self._running[key].discard(task.part)
        for loss in Loss:
            self._losses[loss].pop(task.part, None)
            self._in_a_row[loss][key] = 0

    def lost(self, tasks: Sequence[tuple[ShardTask, Loss]]) -> Iterator[ShardResult]:
        """Tasks came to no result; yields failures of those that are given up."""
        for key, loss in {(self._queue.pool_key(task), loss) for task, loss in tasks}:
            self._in_a_row[loss][key] += 1
        for task, loss in tasks:
            key = self._queue.pool_key(task)
            self._running[key].discard(task.part)
            self._losses[loss][task.part] += 1
            if self._losses[loss][task.part] == _LIMITS[loss]:
                for losses in self._losses.values():
                    losses.pop(task.part, None)
                yield _failure(task, f"{loss.value} {_LIMITS[loss]} times")
            elif task.part in self._losses[Loss.PROCESS]:
                self._suspects[key].append(task)
            else:
                self._displaced[key].append(task)

    def _hopeless(self, key: PoolKey) -> bool:
        """Whether the processes of an engine get nothing done, again and again."""
        if key.engine is None:
            return False
        deaths, machines = (self._in_a_row[loss][key] for loss in Loss)
        return deaths >= DEATHS_IN_A_ROW or machines >= MACHINES * len(key.engine.replica_configs())

    def _take(self, key: PoolKey) -> ShardTask | None:
        again = self._suspects[key] or self._displaced[key]
        return again.popleft() if again else self._queue.take(key)

    def _room(self, key: PoolKey) -> int:
        """How many tasks may be under way: one, where it is to be seen who is at fault."""
        room = self._pool.capacity(key)
        # A worker has one task at a time; there, nobody else can have been it.
        if key.engine is None:
            return room
        suspected = self._suspects[key] or not self._running[key].isdisjoint(
            self._losses[Loss.PROCESS]
        )
        return min(1, room) if suspected else room


def _failure(task: ShardTask, error: str) -> ShardResult:
    return ShardResult(task.node, task.shard, task.part, error=error)
