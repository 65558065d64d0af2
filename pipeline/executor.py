"""Where shards run. An executor starts each task once its inputs exist, and knows nothing else."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipeline.engines.base import EngineConfig
from pipeline.location import Location
from pipeline.worker import ShardResult, ShardTask

JOB_VARIABLE = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Set by Ray in a process that ``ray job submit`` started."""

ATTEMPTS = 2
"""How often a task is started whose worker process died under it."""

DEATHS_IN_A_ROW = 5
"""So many deaths of an engine's process, with no shard done between them, are no accident."""


class Executor(Protocol):
    """Runs a graph of tasks."""

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """One result a task, as they finish.

        A task starts when no other task of ``tasks`` still has to make one of its inputs. One
        below a task that failed is not started; its result says ``blocked``.
        """
        ...


@dataclass(frozen=True)
class Lane:
    """Tasks that run in the same processes: those of an engine that has some to itself, or, without
    ``engine``, those that any worker can do."""

    key: str
    engine: EngineConfig | None = field(default=None, compare=False)


ANY_WORKER = Lane("")


def lane_of(task: ShardTask) -> Lane:
    """Where a task belongs. Nodes whose engines have the same config share a lane."""
    if task.engine is None or not task.engine.hosts():
        return ANY_WORKER
    return Lane(task.engine.model_dump_json(), task.engine)


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

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | None]]:
        """Wait until something happened: tasks finished, or a lane got a process.

        A result of None says that the process died.
        """
        ...


class Frontier:
    """Which tasks may start. Deeper tasks go first, so that shards come to their end early."""

    def __init__(self, tasks: Sequence[ShardTask]) -> None:
        """``tasks`` come node after node, each after those it reads."""
        makers = {task.part: i for i, task in enumerate(tasks)}
        self._tasks = tasks
        self._lanes = [lane_of(task) for task in tasks]
        self._left = Counter(self._lanes)
        self._waits: list[int] = []
        """How many tasks have still to make something that each reads."""
        self._below: dict[int, list[int]] = {}
        for i, task in enumerate(tasks):
            above = {makers[part] for part in task.input_parts if part in makers}
            self._waits.append(len(above))
            for maker in above:
                self._below.setdefault(maker, []).append(i)
        self._index = makers
        # Tasks come node after node: the highest index is the deepest node. A heap pops the least.
        self._ready: dict[Lane, list[int]] = {lane: [] for lane in self._left}
        for i, waits in enumerate(self._waits):
            if not waits:
                heapq.heappush(self._ready[self._lanes[i]], -i)
        self._open = set(range(len(tasks)))

    @property
    def lanes(self) -> Sequence[Lane]:
        """Of all tasks."""
        return list(self._ready)

    def ready(self, lane: Lane) -> bool:
        """Whether a task of a lane may start."""
        return bool(self._ready[lane])

    def take(self, lane: Lane) -> ShardTask | None:
        """The next task of a lane to start, or None while there is none."""
        if not self._ready[lane]:
            return None
        return self._tasks[-heapq.heappop(self._ready[lane])]

    def left(self, lane: Lane) -> int:
        """How many tasks of a lane have not come to an end."""
        return self._left[lane]

    def done(self, part: Location) -> None:
        """The part exists now."""
        i = self._index[part]
        self._end(i)
        for below in self._below.get(i, ()):
            self._waits[below] -= 1
            if not self._waits[below]:
                heapq.heappush(self._ready[self._lanes[below]], -below)

    def failed(self, part: Location) -> Iterator[ShardTask]:
        """Every task that can no longer start because this part will not exist."""
        stack = [self._index[part]]
        self._end(stack[0])
        while stack:
            for below in self._below.get(stack.pop(), ()):
                if below in self._open:
                    self._end(below)
                    stack.append(below)
                    yield self._tasks[below]

    def _end(self, i: int) -> None:
        self._open.discard(i)
        self._left[self._lanes[i]] -= 1


def run_on(pool: Pool, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
    """``Executor.run`` on the processes of a pool.

    Engines that do not fit side by side take turns: one that has nothing to do makes room when
    nothing else can go on.
    """
    frontier = Frontier(tasks)
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
        for failure in starter.died([task for task, result in finished if result is None]):
            yield from _settle(frontier, failure)
        for task, result in finished:
            if result is not None:
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
    """Starts tasks as the pool has room, and deals with processes that die under them.

    A process that several tasks share takes all of them along. Each is tried again with nobody
    beside it, so that only the one at fault fails.
    """

    def __init__(self, pool: Pool, frontier: Frontier) -> None:
        self._pool = pool
        self._frontier = frontier
        self._running: dict[Lane, set[Location]] = {lane: set() for lane in frontier.lanes}
        self._suspects: dict[Lane, list[ShardTask]] = {lane: [] for lane in frontier.lanes}
        self._attempts: Counter[Location] = Counter()
        self._deaths_in_a_row: Counter[Lane] = Counter()

    @property
    def busy(self) -> bool:
        """Whether a task is under way."""
        return any(self._running.values())

    def waiting(self, lane: Lane) -> bool:
        """Whether a lane has tasks that may start."""
        return bool(self._suspects[lane]) or self._frontier.ready(lane)

    def start(self, lane: Lane) -> Iterator[ShardResult]:
        """Start what there is room for; yields failures of what is not worth starting."""
        if not self.waiting(lane):
            return
        if self._deaths_in_a_row[lane] >= DEATHS_IN_A_ROW:
            while task := self._take(lane):
                yield _failure(task, "not started: the process of its engine dies again and again")
            return
        self._pool.open(lane)
        while len(self._running[lane]) < self._room(lane) and (task := self._take(lane)):
            self._pool.start(task)
            self._running[lane].add(task.part)

    def ended(self, task: ShardTask) -> None:
        """A task came to its result."""
        self._running[lane_of(task)].discard(task.part)
        self._attempts.pop(task.part, None)
        self._deaths_in_a_row[lane_of(task)] = 0

    def died(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """The processes of tasks died; yields failures of those that are given up."""
        for lane in {lane_of(task) for task in tasks} - {ANY_WORKER}:
            self._deaths_in_a_row[lane] += 1
        for task in tasks:
            lane = lane_of(task)
            self._running[lane].discard(task.part)
            self._attempts[task.part] += 1
            if self._attempts[task.part] < ATTEMPTS:
                self._suspects[lane].append(task)
            else:
                del self._attempts[task.part]
                yield _failure(task, f"its worker process died {ATTEMPTS} times")

    def _take(self, lane: Lane) -> ShardTask | None:
        suspects = self._suspects[lane]
        return suspects.pop(0) if suspects else self._frontier.take(lane)

    def _room(self, lane: Lane) -> int:
        """How many tasks may be under way: one, where it is to be seen who is at fault."""
        room = self._pool.capacity(lane)
        # A worker has one task at a time; there, nobody else can have been it.
        if lane == ANY_WORKER:
            return room
        suspected = self._suspects[lane] or not self._running[lane].isdisjoint(self._attempts)
        return min(1, room) if suspected else room


def _failure(task: ShardTask, error: str) -> ShardResult:
    return ShardResult(task.node, task.shard, task.part, error=error)
