"""Runs shards as Ray tasks, and engines as Ray actors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import (
    ActorUnavailableError,
    NodeDiedError,
    ObjectLostError,
    OutOfMemoryError,
    RayActorError,
    RayError,
    WorkerCrashedError,
)
from ray.util.metrics import Counter as RayCounter
from ray.util.metrics import Gauge as RayGauge

from pipeline.engines.base import EngineConfig
from pipeline.execution.executors.base import CLOSE_TIMEOUT_S, Loss, run_on
from pipeline.execution.executors.machine_sizes import Size
from pipeline.execution.executors.ray_cluster import (
    IN_FLIGHT_PER_PLACE,
    REFRESH_S,
    Cluster,
    check_resources,
    connect,
)
from pipeline.execution.executors.ray_replicas import (
    Place,
    Replica,
    best_machine,
    close_replicas,
    start_replica,
)
from pipeline.execution.executors.ready_queue import ANY_WORKER, PoolKey, pool_key
from pipeline.execution.executors.run_metrics import RunMetrics
from pipeline.execution.worker import run_shard
from pipeline.workflow.config import ExecutorName
from pipeline.workflow.inputs import PartsMade
from pipeline.workflow.task import PlannedTask, ShardResult, ShardTask, Task


class RayExecutor:
    """The Ray cluster this process belongs to, else the one of this machine, else a new one."""

    name: ExecutorName = "ray"
    workers = None

    def __init__(self, workers: int | None = None, run: str = "") -> None:
        """``workers`` is the number of CPUs of a new cluster; one that exists keeps its own.
        ``run``: the name by which the cluster shows actors and metrics."""
        self._cpus = workers
        self._run = run
        self.in_flight: Counter[str] = Counter()
        self._waiting: Counter[str] = Counter()

    def run(self, tasks: Sequence[PlannedTask], made: PartsMade) -> Iterator[ShardResult]:
        """See ``Executor.run``. A cluster that was started here ends with the iteration.

        Raises:
            ConfigError: a task or an engine needs more than a cluster of this machine alone has.
            ConnectionError: the cluster is gone, or Ray reports an error that is not a task's.
        """
        ours = not ray.is_initialized()
        local = ours and connect(self._cpus)
        gone = False
        try:
            cluster = Cluster()
            check_resources(cluster, {_need(task) for task in tasks}, local)
            in_flight, waiting = self.in_flight, self._waiting
            metrics = RunMetrics(self._run, RayCounter, RayGauge)
            pool = _RayPool(cluster, self._run, lambda: metrics.show(waiting, in_flight))
            try:
                for result in run_on(pool, tasks, made, _pool_key_by_size, in_flight, waiting):
                    metrics.add(result)
                    yield result
            except ConnectionError:
                gone = True
                raise
            except RayError as error:
                raise ConnectionError(f"Ray: {' '.join(str(error).split())[:1000]}") from error
            finally:
                if not gone:
                    pool.close_all()
        finally:
            if ours and not gone:
                ray.shutdown()


def _pool_key_by_size(task: Task) -> PoolKey:
    """As ``pool_key``, but a key for each size, so that large tasks do not hold up small ones."""
    key = pool_key(task)
    if key != ANY_WORKER:
        return key
    size = Size.of_task(task)
    return PoolKey(str(size), size=size)


def _need(task: Task) -> tuple[str, Size]:
    """A task's node, or the model of its engine process, with what that needs."""
    if task.engine is None or pool_key(task) == ANY_WORKER:
        return task.node, Size.of_task(task)
    return task.engine.model, Size.of_engine(task.engine)


@ray.remote(max_retries=0)
def _run_shard(task: ShardTask) -> ShardResult:
    return run_shard(task)


class _RayPool:
    def __init__(self, cluster: Cluster, run: str, beat: Callable[[], None]) -> None:
        """``beat`` is called while tasks are waited for, every few seconds."""
        self._cluster = cluster
        self._run = run
        self._beat = beat
        self._alive = cluster.alive
        self._places: dict[PoolKey, list[Place]] = {}
        self._numbers: Counter[str] = Counter()
        self._running: dict[ray.ObjectRef[ShardResult], ShardTask] = {}
        self._replicas: dict[PoolKey, list[Replica]] = {}
        self._grown: dict[PoolKey, Set[str]] = {}
        """The machines among which each engine has looked for space."""

    def open(self, key: PoolKey) -> None:
        if key.engine is None:
            return
        if key not in self._places:
            self._places[key] = [
                self._place(engine.model) for engine in key.engine.replica_configs()
            ]
        replicas = self._replicas.setdefault(key, [])
        while len(replicas) < key.engine.least_replicas:
            self._add(key, self._hint(key.engine))
        if len(replicas) < len(self._places[key]) and self._may_grow(key):
            while len(replicas) < len(self._places[key]) and (hint := self._hint(key.engine)):
                self._add(key, hint)

    def _may_grow(self, key: PoolKey) -> bool:
        """Whether machines came or went since it was asked, and nobody waits for one."""
        if self._grown.get(key) == self._cluster.alive or key.engine is None:
            return False
        if not Size.of_engine(key.engine).bundles:
            return False  # there would be space for any number
        if not all(r.is_ready for replicas in self._replicas.values() for r in replicas):
            return False
        self._grown[key] = self._cluster.alive
        return True

    def _add(self, key: PoolKey, hint: str | None) -> None:
        replicas = self._replicas[key]
        free = set(range(len(self._places[key]))) - {
            self._places[key].index(replica.place) for replica in replicas
        }
        number = min(free)
        assert key.engine is not None
        engine = key.engine.replica_configs()[number]
        replicas.append(start_replica(engine, self._places[key][number], hint))

    def _hint(self, engine: EngineConfig) -> str | None:
        """The machine that a replica should go to; None where none has space."""
        all_replicas = [r for replicas in self._replicas.values() for r in replicas]
        return best_machine(Size.of_engine(engine), self._cluster.nodes, all_replicas)

    def _place(self, model: str) -> Place:
        self._numbers[model] += 1
        return Place(self._run, model, self._numbers[model])

    def capacity(self, key: PoolKey) -> int:
        if key.engine is None:
            assert key.size is not None
            return IN_FLIGHT_PER_PLACE * max(1, self._cluster.places(key.size))
        return sum(r.engine.shards_in_flight for r in self._replicas.get(key, ()) if r.is_ready)

    def close(self, key: PoolKey) -> None:
        close_replicas(self._replicas.pop(key, []), CLOSE_TIMEOUT_S)
        self._grown.clear()

    def close_all(self) -> None:
        for key in list(self._replicas):
            self.close(key)

    def start(self, task: ShardTask) -> None:
        key = _pool_key_by_size(task)
        if key.engine is None:
            remote = _run_shard.options(name=task.node, **Size.of_task(task).options)
            self._running[remote.remote(task)] = task
            return
        replica = min((r for r in self._replicas[key] if r.is_ready), key=lambda r: len(r.running))
        replica.running[replica.actor.run.remote(replace(task, engine=replica.engine))] = task

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | Loss]]:
        replicas = {
            reference: (key, replica)
            for key, replicas in self._replicas.items()
            for replica in replicas
            for reference in (replica.running if replica.is_ready else [replica.ready])
        }
        waited_for = [*self._running, *replicas]
        done: Sequence[ray.ObjectRef[Any]] = []
        while not done:
            # Machines join and leave, and the cluster may end while its tasks are waited for.
            self._cluster.refresh()
            self._beat()
            if self._alive != self._cluster.alive:
                self._alive = self._cluster.alive
                return []  # engines may find more space, or less
            done, _ = ray.wait(waited_for, num_returns=1, timeout=REFRESH_S)
        found: list[tuple[ShardTask, ShardResult | Loss]] = []
        for reference in done:
            if reference not in replicas:
                found.append((self._running.pop(reference), _result(reference)))
                continue
            key, replica = replicas[reference]
            try:
                result = ray.get(reference)
            except RayActorError as error:
                found += self._lost(key, replica, error)
                continue
            if replica.is_ready:
                found.append((replica.running.pop(reference), result))
            else:
                replica.node, replica.is_ready = result, True
        return found

    def _lost(
        self, key: PoolKey, replica: Replica, error: RayActorError
    ) -> Sequence[tuple[ShardTask, Loss]]:
        """The tasks lost with an actor, which is replaced."""
        if not replica.is_ready:
            # A task sent to it is then lost, so that an actor that always dies at its start counts
            # against the limits instead of being started for ever.
            replica.is_ready = True
            return []
        # Ray knows of a dead process at once. An actor that is merely unreachable has usually lost
        # its machine, which Ray notices later.
        unreachable = isinstance(error, ActorUnavailableError)
        left = replica.node is not None and not self._cluster.is_alive(replica.node)
        loss = Loss.MACHINE if unreachable or left else Loss.PROCESS
        replicas = self._replicas[key]
        if loss is Loss.PROCESS:
            replicas[replicas.index(replica)] = replica.again()
        else:
            # Without it there may be enough: ``open`` asks for what is lacking.
            replicas.remove(replica)
            replica.end()
        return [(task, loss) for task in replica.running.values()]


def _result(reference: ray.ObjectRef[ShardResult]) -> ShardResult | Loss:
    """Raises RayError for a failure that is not the task's own and would meet other tasks too."""
    try:
        return ray.get(reference)
    except (WorkerCrashedError, OutOfMemoryError):
        return Loss.PROCESS
    except (NodeDiedError, ObjectLostError):
        return Loss.MACHINE
