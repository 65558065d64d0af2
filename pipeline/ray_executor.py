"""Ray. Nothing else in the repository imports it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, RayActorError, WorkerCrashedError

from pipeline.engines import close_engines
from pipeline.engines.base import EngineConfig
from pipeline.executor import ANY_WORKER, JOB_VARIABLE, Lane, lane_of, run_on
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
        """See ``Executor.run``. A cluster that was started here ends with the iteration."""
        ours = not ray.is_initialized()
        if ours:
            _connect(self._workers)
        try:
            yield from run_on(_RayPool(), tasks)
        finally:
            if ours:
                ray.shutdown()


def _connect(workers: int | None) -> None:
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
        cpus: float = ray.cluster_resources().get("CPU", 1)  # type: ignore[no-untyped-call]
        self._capacity = max(1, int(cpus * IN_FLIGHT_PER_CPU))
        self._running: dict[ray.ObjectRef[ShardResult], ShardTask] = {}
        self._hosts: dict[Lane, list[_Host]] = {}

    def open(self, lane: Lane) -> None:
        if lane.engine is not None and not self._hosts.get(lane):
            self._hosts[lane] = [_host(engine) for engine in lane.engine.hosts()]

    def capacity(self, lane: Lane) -> int:
        if lane == ANY_WORKER:
            return self._capacity
        return sum(h.engine.shards_in_flight for h in self._hosts.get(lane, ()) if h.is_ready)

    def close(self, lane: Lane) -> None:
        for host in self._hosts.pop(lane, ()):
            if host.is_ready:
                ray.wait([host.actor.close.remote()], timeout=CLOSING_S)
            ray.kill(host.actor)

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
        found: list[tuple[ShardTask, ShardResult | None]] = []
        for reference in done:
            if reference not in hosts:
                found.append((self._running.pop(reference), _result(reference)))
                continue
            lane, host = hosts[reference]
            try:
                result = ray.get(reference)
            except RayActorError:
                found += [(task, None) for task in host.running.values()]
                self._hosts[lane].remove(host)
                continue
            if host.is_ready:
                found.append((host.running.pop(reference), result))
            host.is_ready = True
        return found


def _result(reference: ray.ObjectRef[ShardResult]) -> ShardResult | None:
    try:
        return ray.get(reference)
    except (WorkerCrashedError, OutOfMemoryError):
        return None


def _host(engine: EngineConfig) -> _Host:
    # CPUs are for the tasks of other nodes: an engine waits for its GPUs or for its server.
    actor = _EngineProcess.options(  # type: ignore[attr-defined]  # the decorator hides it
        num_cpus=0, num_gpus=engine.gpus, max_concurrency=engine.shards_in_flight
    ).remote()
    return _Host(actor, engine, actor.__ray_ready__.remote())
