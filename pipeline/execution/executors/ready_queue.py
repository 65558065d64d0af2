"""Which tasks may start, and in which processes."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.engines.base import EngineConfig
from pipeline.store.location import Location
from pipeline.workflow.task import ShardTask


@dataclass(frozen=True)
class PoolKey:
    """Tasks that run in the same processes: those of an engine that has some to itself, or, without
    ``engine``, those that any worker can do."""

    key: str
    engine: EngineConfig | None = field(default=None, compare=False)


ANY_WORKER = PoolKey("")


def pool_key(task: ShardTask) -> PoolKey:
    """Where a task belongs. Nodes whose engines have the same config share a lane."""
    if task.engine is None or not task.engine.replica_configs():
        return ANY_WORKER
    return PoolKey(task.engine.model_dump_json(), task.engine)


class ReadyQueue:
    """Which tasks may start. Deeper tasks go first, so that shards come to their end early."""

    def __init__(
        self, tasks: Sequence[ShardTask], pool_key: Callable[[ShardTask], PoolKey] = pool_key
    ) -> None:
        """``tasks`` come node after node, each after those it reads."""
        makers = {task.part: i for i, task in enumerate(tasks)}
        self.pool_key = pool_key
        self._tasks = tasks
        self._keys = [pool_key(task) for task in tasks]
        self._left = Counter(self._keys)
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
        self._ready: dict[PoolKey, list[int]] = {key: [] for key in self._left}
        for i, waits in enumerate(self._waits):
            if not waits:
                heapq.heappush(self._ready[self._keys[i]], -i)
        self._open = set(range(len(tasks)))

    @property
    def keys(self) -> Sequence[PoolKey]:
        """Of all tasks."""
        return list(self._ready)

    def ready(self, key: PoolKey) -> bool:
        """Whether a task of a lane may start."""
        return bool(self._ready[key])

    def take(self, key: PoolKey) -> ShardTask | None:
        """The next task of a lane to start, or None while there is none."""
        if not self._ready[key]:
            return None
        return self._tasks[-heapq.heappop(self._ready[key])]

    def left(self, key: PoolKey) -> int:
        """How many tasks of a lane have not come to an end."""
        return self._left[key]

    def done(self, part: Location) -> None:
        """The part exists now."""
        i = self._index[part]
        self._end(i)
        for below in self._below.get(i, ()):
            self._waits[below] -= 1
            if not self._waits[below]:
                heapq.heappush(self._ready[self._keys[below]], -below)

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
        self._left[self._keys[i]] -= 1
