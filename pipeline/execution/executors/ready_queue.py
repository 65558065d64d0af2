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


class Frontier:
    """Which tasks may start. Deeper tasks go first, so that shards come to their end early."""

    def __init__(
        self, tasks: Sequence[ShardTask], lane_of: Callable[[ShardTask], Lane] = lane_of
    ) -> None:
        """``tasks`` come node after node, each after those it reads."""
        makers = {task.part: i for i, task in enumerate(tasks)}
        self.lane_of = lane_of
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
