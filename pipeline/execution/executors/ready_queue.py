"""Which tasks can start, and in which processes each runs."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.engines.base import EngineConfig
from pipeline.execution.executors.machine_sizes import Size
from pipeline.workflow.task import Key, PlannedTask, ShardResult, ShardTask, Task


@dataclass(frozen=True)
class PoolKey:
    """Names the processes that a task runs in: those of one engine, or, without ``engine``, those
    of any worker, or, on a cluster, those for tasks of one ``size``."""

    name: str
    engine: EngineConfig | None = field(default=None, compare=False)
    size: Size | None = field(default=None, compare=False)


ANY_WORKER = PoolKey("")


def pool_key(task: Task) -> PoolKey:
    """The processes of a task. Nodes whose engines have the same config share them."""
    if task.engine is None or not task.engine.replica_configs():
        return ANY_WORKER
    return PoolKey(task.engine.model_dump_json(), task.engine)


Resolve = Callable[[PlannedTask], "ShardTask | ShardResult"]
"""A task whose inputs exist, ready to start; or its result, where its part was there already."""


class ReadyQueue:
    """The tasks whose inputs exist, by ``PoolKey``; deeper nodes first, so that shards finish
    early."""

    def __init__(
        self,
        tasks: Sequence[PlannedTask],
        resolve: Resolve,
        pool_key: Callable[[Task], PoolKey] = pool_key,
        waiting: Counter[str] | None = None,
    ) -> None:
        """``tasks`` are in order of the graph: each after those it needs."""
        self.pool_key = pool_key
        self._resolve = resolve
        self._tasks = tasks
        self._index = {(t.node, shard): i for i, t in enumerate(tasks) for shard in t.made}
        self._keys = [pool_key(task) for task in tasks]
        self._unfinished = Counter(self._keys)
        self._waits: list[int] = []
        """How many of the tasks that make inputs of each task are not done."""
        self._below: dict[int, list[int]] = {}
        for i, task in enumerate(tasks):
            above = {self._index[key] for key in task.needed if key in self._index}
            self._waits.append(len(above))
            for maker in above:
                self._below.setdefault(maker, []).append(i)
        # The highest index is the deepest node, and a heap pops the least.
        self._ready: dict[PoolKey, list[tuple[int, ShardTask]]] = {k: [] for k in self._unfinished}
        self._open = set(range(len(tasks)))
        self.waiting: Counter[str] = Counter() if waiting is None else waiting
        """How many tasks of each node can start and have not."""

    @property
    def keys(self) -> Sequence[PoolKey]:
        """The keys of all tasks."""
        return list(self._ready)

    def opened(self) -> Iterator[ShardResult]:
        """Offers the tasks that need none of the others. Results: see ``done``."""
        for i, waits in enumerate(self._waits):
            if not waits:
                yield from self._offer(i)

    def ready(self, key: PoolKey) -> bool:
        """Whether a task of a key can start."""
        return bool(self._ready[key])

    def take(self, key: PoolKey) -> ShardTask | None:
        """Remove and return the next task of a key; None while none can start."""
        if not self._ready[key]:
            return None
        _, task = heapq.heappop(self._ready[key])
        self.waiting[task.node] -= 1
        return task

    def unfinished(self, key: PoolKey) -> int:
        """How many tasks of a key are neither done nor failed."""
        return self._unfinished[key]

    def done(self, key: Key) -> Iterator[ShardResult]:
        """The part of a task exists now. Yields the results of tasks below it that have nothing to
        do, because their inputs came out as they were."""
        i = self._index[key]
        self._end(i)
        for below in self._below.get(i, ()):
            self._waits[below] -= 1
            if not self._waits[below]:
                yield from self._offer(below)

    def failed(self, key: Key) -> Iterator[PlannedTask]:
        """Every task that can no longer start because the part of this one will not exist."""
        stack = [self._index[key]]
        self._end(stack[0])
        while stack:
            for below in self._below.get(stack.pop(), ()):
                if below in self._open:
                    self._end(below)
                    stack.append(below)
                    yield self._tasks[below]

    def _offer(self, i: int) -> Iterator[ShardResult]:
        found = self._resolve(self._tasks[i])
        if isinstance(found, ShardTask):
            heapq.heappush(self._ready[self._keys[i]], (-i, found))
            self.waiting[found.node] += 1
            return
        yield found
        yield from self.done(found.key)

    def _end(self, i: int) -> None:
        self._open.discard(i)
        self._unfinished[self._keys[i]] -= 1
