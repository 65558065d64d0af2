"""Ray. Nothing else in the repository imports it."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import NodeDiedError, OutOfMemoryError, RayActorError, WorkerCrashedError

from pipeline.engines import close_engines
from pipeline.engines.base import EngineConfig
from pipeline.executor import ANY_WORKER, JOB_VARIABLE, Lane, lane_of, run_on
from pipeline.suggest import ConfigError
from pipeline.worker import ShardResult, ShardTask, run_shard

ROOT = Path(__file__).resolve().parents[1]

IN_FLIGHT_PER_CPU = 4
"""Tasks handed to Ray for each CPU of the cluster: enough that no worker waits for the driver."""


_ANSWER_S = 10

CLOSING_S = 10.0
"""An engine that takes longer to give back what it holds is ended with its process."""


class RayExecutor:
    """The Ray cluster this process belongs to, else the one of this machine, else a new one."""

    def __init__(self, workers: int | None = None) -> None:
        """``workers`` is the number of CPUs of a new cluster; one that exists keeps its own."""
        self._workers = workers

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """See ``Executor.run``. A cluster that was started here ends with the iteration.

        Raises:
            ConfigError: something needs more than a cluster of this machine alone has.
        """
        ours = not ray.is_initialized()
        alone = ours and _connect(self._workers)
        try:
            for lack in sorted(_lacks(tasks)):
                if alone:
                    raise ConfigError(
                        f"{lack}; Ray was started here with fewer (run.workers: CPUs)"
                    )
                print(f"{lack}; no machine of the cluster has: waiting for one", file=sys.stderr)
            pool = _RayPool()
            try:
                yield from run_on(pool, tasks)
            finally:
                pool.close_all()
        finally:
            if ours:
                ray.shutdown()


def _connect(workers: int | None) -> bool:
    """Whether a new cluster was started, because there was none."""
    if address := os.environ.get("RAY_ADDRESS"):
        _need_answer(address)
    job = json.loads(os.environ.get(JOB_VARIABLE, "{}"))
    shipped = "working_dir" in job.get("runtime_env", {})
    runtime_env = None if shipped else {"working_dir": str(ROOT)}
    options: dict[str, Any] = {"runtime_env": runtime_env, "log_to_driver": False}
    try:
        ray.init(address="auto", **options)
    except ConnectionError:
        ray.init(num_cpus=workers, include_dashboard=False, **options)
        return True
    return False


def _lacks(tasks: Sequence[ShardTask]) -> Iterator[str]:
    """What is needed on one machine and is on none now. Ray waits for it, and says nothing."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    needs = {
        (task.engine.model, 0.0, float(task.engine.gpus))
        if task.engine and lane_of(task) != ANY_WORKER
        else (task.node, task.cpus, task.gpus)
        for task in tasks
    }
    for name, cpus, gpus in needs:
        if not any(m.get("CPU", 0) >= cpus and m.get("GPU", 0) >= gpus for m in machines):
            yield f"{name} needs {cpus:g} CPUs and {gpus:g} GPUs"


def _need_answer(address: str) -> None:
    """Ray itself waits minutes for an address that nobody listens at, and says nothing."""
    host, colon, port = address.rpartition("://")[2].partition("/")[0].rpartition(":")
    if not colon:
        return  # a word of Ray's own, such as "auto"
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except (OSError, ValueError) as error:
        raise ConnectionError(f"RAY_ADDRESS={address}: no answer from there: {error}") from None


@ray.remote(max_retries=0)
def _run_shard(task: ShardTask) -> ShardResult:
    return run_shard(task)


@ray.remote(max_restarts=0)
class _EngineProcess:
    """Runs the shards of one engine, several at once, in threads that share it."""

    def run(self, task: ShardTask) -> ShardResult:
        return run_shard(task)

    def close(self) -> None:
        close_engines()


@dataclass
class _Host:
    """An actor, the engine that its tasks are to open there, and the tasks under way."""

    actor: Any
    engine: EngineConfig
    ready: ray.ObjectRef[None]
    """Comes when the cluster has found a place for it."""
    is_ready: bool = False
    running: dict[ray.ObjectRef[ShardResult], ShardTask] = field(default_factory=dict)


class _RayPool:
    def __init__(self) -> None:
        self._capacity = _tasks_in_flight()
        self._running: dict[ray.ObjectRef[ShardResult], ShardTask] = {}
        self._hosts: dict[Lane, list[_Host]] = {}

    def open(self, lane: Lane) -> None:
        if lane.engine is not None and lane not in self._hosts:
            self._hosts[lane] = [_host(engine) for engine in lane.engine.hosts()]

    def capacity(self, lane: Lane) -> int:
        if lane == ANY_WORKER:
            return self._capacity
        return sum(h.engine.shards_in_flight for h in self._hosts.get(lane, ()) if h.is_ready)

    def close(self, lane: Lane) -> None:
        hosts = self._hosts.pop(lane, [])
        closing = [host.actor.close.remote() for host in hosts if host.is_ready]
        if closing:
            ray.wait(closing, num_returns=len(closing), timeout=CLOSING_S)
        for host in hosts:
            ray.kill(host.actor)

    def close_all(self) -> None:
        for lane in list(self._hosts):
            self.close(lane)

    def start(self, task: ShardTask) -> None:
        lane = lane_of(task)
        if lane == ANY_WORKER:
            remote = _run_shard.options(num_cpus=task.cpus, num_gpus=task.gpus, name=task.node)
            self._running[remote.remote(task)] = task
            return
        host = min((h for h in self._hosts[lane] if h.is_ready), key=lambda h: len(h.running))
        host.running[host.actor.run.remote(replace(task, engine=host.engine))] = task

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | None]]:
        hosts = {
            reference: (lane, host)
            for lane, hosts in self._hosts.items()
            for host in hosts
            for reference in (host.running if host.is_ready else [host.ready])
        }
        done, _ = ray.wait([*self._running, *hosts], num_returns=1)
        self._capacity = _tasks_in_flight()  # machines join and leave
        found: list[tuple[ShardTask, ShardResult | None]] = []
        for reference in done:
            if reference not in hosts:
                found.append((self._running.pop(reference), _result(reference)))
                continue
            lane, host = hosts[reference]
            try:
                result = ray.get(reference)
            except RayActorError:
                found += self._died(lane, host)
                continue
            if host.is_ready:
                found.append((host.running.pop(reference), result))
            host.is_ready = True
        return found

    def _died(self, lane: Lane, host: _Host) -> Sequence[tuple[ShardTask, None]]:
        """Tasks that an actor takes along. Another takes its place."""
        if not host.is_ready:
            # A task that is given to it shows that it is dead: so one that always dies at its start
            # is counted, and not started for ever.
            host.is_ready = True
            return []
        ray.kill(host.actor)
        hosts = self._hosts[lane]
        hosts[hosts.index(host)] = _host(host.engine)
        return [(task, None) for task in host.running.values()]


def _tasks_in_flight() -> int:
    cpus: float = ray.cluster_resources().get("CPU", 1)  # type: ignore[no-untyped-call]
    return max(1, int(cpus * IN_FLIGHT_PER_CPU))


def _result(reference: ray.ObjectRef[ShardResult]) -> ShardResult | None:
    try:
        return ray.get(reference)
    except (WorkerCrashedError, OutOfMemoryError, NodeDiedError):
        return None


def _host(engine: EngineConfig) -> _Host:
    # CPUs are for the tasks of other nodes: an engine waits for its GPUs or for its server.
    # One thread more than shards, so that it can be closed with all of them under way.
    actor = _EngineProcess.options(  # type: ignore[attr-defined]  # the decorator hides it
        num_cpus=0, num_gpus=engine.gpus, max_concurrency=engine.shards_in_flight + 1
    ).remote()
    return _Host(actor, engine, actor.__ray_ready__.remote())
