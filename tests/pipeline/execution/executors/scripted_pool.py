"""Graphs of tasks, and a pool that finishes, fails or loses them by script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from hypothesis import strategies as st

from pipeline.engines.base import EmbeddedConfig, EngineConfig
from pipeline.execution.executors.base import Loss
from pipeline.execution.executors.ready_queue import ANY_WORKER, PoolKey, pool_key
from pipeline.store.location import Location
from pipeline.workflow.inputs import PartsMade
from pipeline.workflow.task import PlannedTask, ShardResult, ShardTask


class Placed(PartsMade):
    """Every task has its place by its name, whatever it reads."""

    def __init__(self) -> None:
        super().__init__({}, [], {})

    def resolve(self, task: PlannedTask) -> ShardTask:
        places = {key: _place(task.folder.with_name(key[0]), key[1]) for key in task.needed}
        return task.ready(places, _place(task.folder, task.shard))


def _place(folder: Location, shard: int) -> Location:
    return folder / f"part-{shard:05d}-0"


def task(number: int, after: Sequence[int], engine: EngineConfig | None = None) -> PlannedTask:
    return PlannedTask(
        node=f"n{number}",
        stage="s",
        shard=0,
        config={},
        needs=(tuple(("Row", (f"n{other}", 0)) for other in after),),
        folder=Location(f"/n{number}"),
        media_root=Location("/"),
        engine=engine,
        prompts={},
        cpus=1,
        gpus=0,
    )


class Shared(EngineConfig):
    """An engine with a process of its own, which holds ``slots`` shards at once."""

    kind: str = "shared"
    revision: str = "1"
    slots: int = 1
    replicas: int = 1

    def replica_configs(self) -> Sequence[EngineConfig]:
        return [self] * self.replicas

    @property
    def shards_in_flight(self) -> int:
        return self.slots


ENGINES = (None, EmbeddedConfig(), Shared(model="a", slots=3), Shared(model="b"))


@st.composite
def graphs(draw: st.DrawFn) -> list[PlannedTask]:
    n = draw(st.integers(0, 8))
    return [
        task(
            i,
            draw(st.lists(st.integers(0, i - 1), max_size=3)) if i else [],
            draw(st.sampled_from(ENGINES)),
        )
        for i in range(n)
    ]


class ScriptedPool:
    """Finishes tasks in the order of ``pick``, fails those of ``failing``, and loses the process of
    those of ``dying``.

    Beside the workers it fits the processes of ``fit`` engines. A task loses its machine as often
    as its name is in ``leaving``.
    """

    def __init__(
        self,
        fit: int,
        pick: Callable[[int], int],
        failing: set[str],
        dying: set[str],
        leaving: Iterable[str] = (),
    ) -> None:
        self.fit = fit
        self.running: list[ShardTask] = []
        self.started: list[str] = []
        self.done: set[Location] = set()
        self.keys: dict[PoolKey, bool] = {}
        self.pick, self.failing, self.dying = pick, failing, dying
        self.leaving = Counter(leaving)
        self.displaced: Counter[str] = Counter()

    def open(self, key: PoolKey) -> None:
        if key != ANY_WORKER and key not in self.keys and len(self.keys) < self.fit:
            self.keys[key] = False

    def capacity(self, key: PoolKey) -> int:
        if key == ANY_WORKER:
            return 2
        assert key.engine is not None
        return key.engine.shards_in_flight if self.keys.get(key) else 0

    def close(self, key: PoolKey) -> None:
        assert not any(pool_key(task) == key for task in self.running)
        self.keys.pop(key, None)

    def start(self, task: ShardTask) -> None:
        key = pool_key(task)
        assert sum(pool_key(other) == key for other in self.running) < self.capacity(key)
        assert all(p in self.done for p in task.input_parts), "started before its inputs"
        self.started.append(task.node)
        self.running.append(task)

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | Loss]]:
        opening = [key for key, is_ready in self.keys.items() if not is_ready]
        assert self.running or opening, "waits for ever"
        chosen = self.pick(len(self.running) + len(opening))
        if chosen >= len(self.running):
            self.keys[opening[chosen - len(self.running)]] = True
            return []
        task = self.running.pop(chosen)
        loss = Loss.MACHINE if self.leaving[task.node] else Loss.PROCESS
        if loss == Loss.MACHINE or task.node in self.dying:
            key = pool_key(task)
            along = [t for t in self.running if pool_key(t) == key and key != ANY_WORKER]
            self.running = [t for t in self.running if t not in along]
            self.keys.pop(key, None)
            if loss == Loss.MACHINE:
                self.leaving[task.node] -= 1
                self.displaced.update(t.node for t in (task, *along))
            return [(t, loss) for t in (task, *along)]
        error = "failed" if task.node in self.failing else None
        if error is None:
            self.done.add(task.slot)
        return [(task, result(task, error))]


def result(task: ShardTask, error: str | None = None) -> ShardResult:
    """That of a task whose part has the name of its slot."""
    made = None if error else task.slot
    return ShardResult(node=task.node, shard=0, slot=task.slot, part=made, error=error)
