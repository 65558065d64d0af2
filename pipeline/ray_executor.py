"""Ray. Nothing else in the repository imports it."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import OutOfMemoryError, WorkerCrashedError

from pipeline.executor import JOB_VARIABLE, run_on
from pipeline.worker import ShardResult, ShardTask, run_shard

ROOT = Path(__file__).resolve().parents[1]

IN_FLIGHT_PER_CPU = 4
"""Tasks handed to Ray for each CPU of the cluster: enough that no worker waits for the driver."""


_ANSWER_S = 10


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


class _RayPool:
    def __init__(self) -> None:
        cpus: float = ray.cluster_resources().get("CPU", 1)  # type: ignore[no-untyped-call]
        self.capacity = max(1, int(cpus * IN_FLIGHT_PER_CPU))
        self._running: dict[ray.ObjectRef[ShardResult], ShardTask] = {}

    def start(self, task: ShardTask) -> None:
        remote = _run_shard.options(num_cpus=task.cpus, num_gpus=task.gpus, name=task.node)
        self._running[remote.remote(task)] = task

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | None]]:
        done, _ = ray.wait(list(self._running), num_returns=1)
        found: list[tuple[ShardTask, ShardResult | None]] = []
        for reference in done:
            task = self._running.pop(reference)
            try:
                found.append((task, ray.get(reference)))
            except (WorkerCrashedError, OutOfMemoryError):
                found.append((task, None))
        return found
