"""Where shards run. An executor starts each task once its inputs exist, and knows nothing else."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from typing import Protocol

from pipeline.execution.executors.ready_queue import Frontier, Lane, lane_of
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

    def open(self, lane: Lane) -> None:
        """Get processes for a lane under way, as far as there is room for them.

        Called again while its tasks wait: what did not fit before may fit now.
        """
        ...

    def capacity(self, lane: Lane) -> int:
        """How many of its tasks may be under way now: none while it has no process."""
        ...

    def close(self, lane: Lane) -> None:
        """Let the processes of a lane go; no task of it is under way."""
        ...

    def start(self, task: ShardTask) -> None:
        """Hand over one task."""
        ...

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | Loss]]:
        """Wait until something happened: tasks finished or were lost, or a lane got a process."""
        ...


def run_on(
    pool: Pool, tasks: Sequence[ShardTask], lane_of: Callable[[ShardTask], Lane] = lane_of
) -> Iterator[ShardResult]:
    """``Executor.run`` on the processes of a pool, in the lanes that it has.

    Engines that do not fit side by side take turns: one that has nothing to do makes room when
    nothing else can go on.
    """
    frontier = Frontier(tasks, lane_of)
    starter = _Starter(pool, frontier)
    while True:
        # What one engine leaves free goes to one that has nothing, before another gets more of it.
        for lane in sorted(frontier.lanes, key=lambda lane: pool.capacity(lane) > 0):
            for failure in starter.start(lane):
                yield from _settle(frontier, failure)
        if not starter.busy:
            waiting = [lane for lane in frontier.lanes if starter.waiting(lane)]
            for lane in set(frontier.lanes) - set(waiting):
                pool.close(lane)
            if not waiting:
                return
            for lane in waiting:
                pool.open(lane)
        finished = pool.finished()
        lost = [(task, result) for task, result in finished if isinstance(result, Loss)]
        for failure in starter.lost(lost):
            yield from _settle(frontier, failure)
        for task, result in finished:
            if isinstance(result, ShardResult):
                starter.ended(task)
                yield from _settle(frontier, result)
        for lane in frontier.lanes:
            if not frontier.left(lane):
                pool.close(lane)


def _settle(frontier: Frontier, result: ShardResult) -> Iterator[ShardResult]:
    """A result, and those of the tasks that it blocks."""
    yield result
    if result.error is None:
        frontier.done(result.part)
        return
    error = f"not started: {result.node} failed on shard {result.shard}"
    for blocked in frontier.failed(result.part):
        yield ShardResult(blocked.node, blocked.shard, blocked.part, error=error, blocked=True)


class _Starter:
    """Starts tasks as the pool has room, and deals with processes and machines lost under them.

    A process that several tasks share takes all of them along. Each is tried again with nobody
    beside it, so that only the one at fault fails. A machine that leaves is nobody's fault: what
    ran there is simply run again.
    """

    def __init__(self, pool: Pool, frontier: Frontier) -> None:
        self._pool = pool
        self._frontier = frontier
        self._running: dict[Lane, set[Location]] = {lane: set() for lane in frontier.lanes}
        self._suspects: dict[Lane, deque[ShardTask]] = {lane: deque() for lane in frontier.lanes}
        self._displaced: dict[Lane, deque[ShardTask]] = {lane: deque() for lane in frontier.lanes}
        self._losses: dict[Loss, Counter[Location]] = {loss: Counter() for loss in Loss}
        self._in_a_row: dict[Loss, Counter[Lane]] = {loss: Counter() for loss in Loss}

    @property
    def busy(self) -> bool:
        """Whether a task is under way."""
        return any(self._running.values())

    def waiting(self, lane: Lane) -> bool:
        """Whether a lane has tasks that may start."""
        return bool(self._suspects[lane] or self._displaced[lane]) or self._frontier.ready(lane)

    def start(self, lane: Lane) -> Iterator[ShardResult]:
        """Start what there is room for; yields failures of what is not worth starting."""
        if not self.waiting(lane):
            return
        if self._hopeless(lane):
            while task := self._take(lane):
                yield _failure(task, "not started: the process of its engine dies again and again")
            return
        self._pool.open(lane)
        while len(self._running[lane]) < self._room(lane) and (task := self._take(lane)):
            self._pool.start(task)
            self._running[lane].add(task.part)

    def ended(self, task: ShardTask) -> None:
        """A task came to its result."""
        lane = self._frontier.lane_of(task)
        self._running[lane].discard(task.part)
        for loss in Loss:
            self._losses[loss].pop(task.part, None)
            self._in_a_row[loss][lane] = 0

    def lost(self, tasks: Sequence[tuple[ShardTask, Loss]]) -> Iterator[ShardResult]:
        """Tasks came to no result; yields failures of those that are given up."""
        for lane, loss in {(self._frontier.lane_of(task), loss) for task, loss in tasks}:
            self._in_a_row[loss][lane] += 1
        for task, loss in tasks:
            lane = self._frontier.lane_of(task)
            self._running[lane].discard(task.part)
            self._losses[loss][task.part] += 1
            if self._losses[loss][task.part] == _LIMITS[loss]:
                for losses in self._losses.values():
                    losses.pop(task.part, None)
                yield _failure(task, f"{loss.value} {_LIMITS[loss]} times")
            elif task.part in self._losses[Loss.PROCESS]:
                self._suspects[lane].append(task)
            else:
                self._displaced[lane].append(task)

    def _hopeless(self, lane: Lane) -> bool:
        """Whether the processes of an engine get nothing done, again and again."""
        if lane.engine is None:
            return False
        deaths, machines = (self._in_a_row[loss][lane] for loss in Loss)
        return deaths >= DEATHS_IN_A_ROW or machines >= MACHINES * len(lane.engine.hosts())

    def _take(self, lane: Lane) -> ShardTask | None:
        again = self._suspects[lane] or self._displaced[lane]
        return again.popleft() if again else self._frontier.take(lane)

    def _room(self, lane: Lane) -> int:
        """How many tasks may be under way: one, where it is to be seen who is at fault."""
        room = self._pool.capacity(lane)
        # A worker has one task at a time; there, nobody else can have been it.
        if lane.engine is None:
            return room
        suspected = self._suspects[lane] or not self._running[lane].isdisjoint(
            self._losses[Loss.PROCESS]
        )
        return min(1, room) if suspected else room


def _failure(task: ShardTask, error: str) -> ShardResult:
    return ShardResult(task.node, task.shard, task.part, error=error)
