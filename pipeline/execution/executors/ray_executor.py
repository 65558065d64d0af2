"""Runs shards as Ray tasks, and engines as Ray actors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any
from uuid import uuid4

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

from pipeline.engines import close_engines
from pipeline.engines.base import EngineConfig
from pipeline.execution.busy_clock import BusyClock
from pipeline.execution.executors.base import CLOSE_TIMEOUT_S, Loss, run_on
from pipeline.execution.executors.ray_cluster import (
    IN_FLIGHT_PER_PLACE,
    REFRESH_S,
    Cluster,
    check_resources,
    connect,
)
from pipeline.execution.executors.ready_queue import ANY_WORKER, PoolKey, pool_key
from pipeline.execution.executors.run_metrics import (
    SHOWN_EVERY_S,
    RunMetrics,
    show_busy_share,
)
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
            check_resources(cluster, [*{_size(task) for task in tasks}], local)
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
    return PoolKey(f"{task.cpus} {task.gpus}") if key == ANY_WORKER else key


def _size(task: Task) -> tuple[str, float, float]:
    """A task's node, or the model of its engine process, with the CPUs and GPUs that it needs."""
    if task.engine is None or pool_key(task) == ANY_WORKER:
        return task.node, task.cpus, task.gpus
    return task.engine.model, 0.0, float(task.engine.gpus)


@ray.remote(max_retries=0)
def _run_shard(task: ShardTask) -> ShardResult:
    return run_shard(task)


@ray.remote(max_restarts=0)
class _EngineProcess:
    """Runs the shards of one engine, several at once, in threads that share it."""

    def __init__(self, tags: dict[str, str], shown_every_s: float) -> None:
        """``tags`` of its metric."""
        self._busy = BusyClock()
        shown = self._busy, tags, shown_every_s, RayGauge
        Thread(target=show_busy_share, args=shown, daemon=True).start()

    def run(self, task: ShardTask) -> ShardResult:
        return run_shard(task, self._busy)

    def node(self) -> str:
        return str(ray.get_runtime_context().get_node_id())

    def close(self) -> None:
        close_engines()


@dataclass(frozen=True)
class _Place:
    """A replica of an engine as the cluster shows it: what replaces it has the same."""

    run: str
    model: str
    number: int
    """From 1, over all replicas of the model in the run."""

    @property
    def name(self) -> str:
        """Unique on a cluster: its job has one run."""
        job: str = ray.get_runtime_context().get_job_id()
        return f"{self.run} {job}: {self.model} {self.number}"

    @property
    def tags(self) -> dict[str, str]:
        return {"run": self.run, "model": self.model, "replica": str(self.number)}


@dataclass
class _Replica:
    """An actor, the engine that its tasks open there, and the tasks it is running."""

    actor: Any
    engine: EngineConfig
    place: _Place
    ready: ray.ObjectRef[str]
    """The id of its node, once the cluster has placed it."""
    node: str | None = None
    is_ready: bool = False
    running: dict[ray.ObjectRef[ShardResult], ShardTask] = field(default_factory=dict)


class _RayPool:
    def __init__(self, cluster: Cluster, run: str, beat: Callable[[], None]) -> None:
        """``beat`` is called while tasks are waited for, every few seconds."""
        self._cluster = cluster
        self._run = run
        self._beat = beat
        self._places: dict[PoolKey, list[_Place]] = {}
        self._numbers: Counter[str] = Counter()
        self._running: dict[ray.ObjectRef[ShardResult], ShardTask] = {}
        self._replicas: dict[PoolKey, list[_Replica]] = {}

    def open(self, key: PoolKey) -> None:
        if key.engine is None or key in self._replicas:
            return
        engines = key.engine.replica_configs()
        if key not in self._places:
            self._places[key] = [self._place(engine.model) for engine in engines]
        self._replicas[key] = list(map(_replica, engines, self._places[key]))

    def _place(self, model: str) -> _Place:
        self._numbers[model] += 1
        return _Place(self._run, model, self._numbers[model])

    def capacity(self, key: PoolKey) -> int:
        if key.engine is None:
            cpus, gpus = map(float, key.name.split())
            return IN_FLIGHT_PER_PLACE * max(1, self._cluster.places(cpus, gpus))
        return sum(r.engine.shards_in_flight for r in self._replicas.get(key, ()) if r.is_ready)

    def close(self, key: PoolKey) -> None:
        replicas = self._replicas.pop(key, [])
        closing = [replica.actor.close.remote() for replica in replicas if replica.is_ready]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=CLOSE_TIMEOUT_S)
        for replica in replicas:
            ray.kill(replica.actor)

    def close_all(self) -> None:
        for key in list(self._replicas):
            self.close(key)

    def start(self, task: ShardTask) -> None:
        key = _pool_key_by_size(task)
        if key.engine is None:
            remote = _run_shard.options(num_cpus=task.cpus, num_gpus=task.gpus, name=task.node)
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
        self, key: PoolKey, replica: _Replica, error: RayActorError
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
        ray.kill(replica.actor)
        replicas = self._replicas[key]
        replicas[replicas.index(replica)] = _replica(replica.engine, replica.place)
        loss = Loss.MACHINE if unreachable or left else Loss.PROCESS
        return [(task, loss) for task in replica.running.values()]


def _result(reference: ray.ObjectRef[ShardResult]) -> ShardResult | Loss:
    """Raises RayError for a failure that is not the task's own and would meet other tasks too."""
    try:
        return ray.get(reference)
    except (WorkerCrashedError, OutOfMemoryError):
        return Loss.PROCESS
    except (NodeDiedError, ObjectLostError):
        return Loss.MACHINE


def _replica(engine: EngineConfig, place: _Place) -> _Replica:
    try:
        actor = _process(engine, place, place.name)
    except ValueError:  # the one before it, which was killed, still has the name
        actor = _process(engine, place, f"{place.name} {uuid4().hex[:4]}")
    return _Replica(actor, engine, place, actor.node.remote())


def _process(engine: EngineConfig, place: _Place, name: str) -> Any:
    """Raises ValueError where an actor of this job has the name."""
    # No CPUs: an engine mostly waits for its GPUs or for its server.
    # One thread more than shards, so that ``close`` can run beside all of them.
    return _EngineProcess.options(  # type: ignore[attr-defined]  # the decorator hides it
        name=name,
        num_cpus=0,
        num_gpus=engine.gpus,
        max_concurrency=engine.shards_in_flight + 1,
    ).remote(place.tags, SHOWN_EVERY_S)
