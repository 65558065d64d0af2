"""Runs tasks in processes of this machine."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from multiprocessing.connection import wait
from pathlib import Path
from time import monotonic

from pipeline.engines.base import EngineConfig
from pipeline.errors import ConfigError
from pipeline.execution.executors.base import Loss, run_on
from pipeline.execution.executors.ready_queue import PoolKey, pool_key
from pipeline.execution.executors.worker_process import BEAT_S, WorkerProcess
from pipeline.workflow.config import ExecutorName
from pipeline.workflow.inputs import PartsMade
from pipeline.workflow.task import Key, PlannedTask, ShardResult, ShardTask, Task

GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"

SILENCE_S = 600.0
"""Far longer than the other threads of a process can be kept from running by the work of one."""
_START_S = 120.0
"""It takes seconds to load what a process needs, and many of them on a busy machine."""

_DEVICES = Path("/dev")


class LocalExecutor:
    """Worker processes that run one task at a time, and processes that hold an engine each."""

    name: ExecutorName = "local"

    def __init__(self, workers: int | None = None, silence_s: float = SILENCE_S) -> None:
        """``workers``: number of processes; None takes one for each CPU this process may use and
        its engines do not keep.
        ``silence_s``: after so long without a sign of life, a process is killed."""
        self._given = workers is not None
        self.workers = workers or len(os.sched_getaffinity(0))
        self._silence_s = silence_s
        self.in_flight: Counter[str] = Counter()

    def run(self, tasks: Sequence[PlannedTask], made: PartsMade) -> Iterator[ShardResult]:
        """See ``Executor.run``.

        Raises:
            ConfigError: an engine needs more GPUs than this machine shows.
        """
        gpus = visible_gpus()
        for engine in (key.engine for key in dict.fromkeys(map(pool_key, tasks))):
            if engine is not None and engine.gpus > len(gpus):
                raise ConfigError(
                    f"{engine.model} needs {engine.gpus} GPUs; this machine shows {len(gpus)}"
                )
        workers = self.workers if self._given else left_by_engines(self.workers, tasks)
        pool = _LocalPool(min(workers, max(1, len(tasks))), gpus, self._silence_s)
        try:
            yield from run_on(pool, tasks, made, in_flight=self.in_flight)
        finally:
            pool.close_all()


def left_by_engines(cpus: int, tasks: Iterable[Task]) -> int:
    """Of so many CPUs those that the engines of the tasks do not keep (``Placement.cpus``); at
    least one."""
    engines = [key.engine for key in dict.fromkeys(map(pool_key, tasks)) if key.engine]
    kept = sum(engine.place.cpus * engine.least_replicas for engine in engines)
    return max(1, int(cpus - kept))


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as ``CUDA_VISIBLE_DEVICES`` names them."""
    value = os.environ.get(GPU_VARIABLE)
    if value is not None:
        names = [name.strip() for name in value.split(",")]
        # CUDA ignores the first invalid name and all after it; -1 hides every GPU.
        return list(takewhile(lambda name: name and not name.startswith("-"), names))
    # CUDA numbers the GPUs that it finds from 0, whatever their device files are called.
    return [str(i) for i in range(len(list(_DEVICES.glob("nvidia[0-9]*"))))]


@dataclass
class _Replica:
    """A process, the engine that its tasks open there, and the tasks it is running."""

    process: WorkerProcess
    engine: EngineConfig | None
    gpus: Sequence[str]
    running: dict[Key, ShardTask] = field(default_factory=dict)
    started: bool = False
    silent_s: float = 0.0
    """How long it has given no sign of life while this process looked for one: had this one been
    stopped too, it could not have seen any."""


class _LocalPool:
    def __init__(self, workers: int, gpus: Sequence[str], silence_s: float) -> None:
        self._workers = workers
        self._silence_s = silence_s
        self._free_gpus = list(gpus)
        self._replicas: dict[PoolKey, list[_Replica]] = {}
        self._closed: list[WorkerProcess] = []

    def open(self, key: PoolKey) -> None:
        engines = key.engine.replica_configs() if key.engine else [None] * self._workers
        replicas = self._replicas.setdefault(key, [])
        # What goes beyond the least takes GPUs that are left when all others had their turn.
        if key.engine and (not replicas or not key.engine.gpus):
            engines = engines[: key.engine.least_replicas]
        for engine in engines[len(replicas) :]:
            count = engine.gpus if engine else 0
            if count > len(self._free_gpus):
                return
            gpus, self._free_gpus = self._free_gpus[:count], self._free_gpus[count:]
            replicas.append(_replica(engine, gpus))

    def capacity(self, key: PoolKey) -> int:
        return sum(replica.process.slots for replica in self._replicas.get(key, ()))

    def close(self, key: PoolKey) -> None:
        replicas = self._replicas.pop(key, [])
        for replica in replicas:
            replica.process.close()
        for replica in replicas:
            _wait_for_gpus(replica)
            self._free_gpus += replica.gpus
            self._closed.append(replica.process)

    def close_all(self) -> None:
        for replicas in self._replicas.values():
            for replica in replicas:
                replica.process.close()
        for key in list(self._replicas):
            self.close(key)
        for process in self._closed:
            # One that is stopped would not end, and this process waits for its children.
            process.wait()

    def start(self, task: ShardTask) -> None:
        replicas = self._replicas[pool_key(task)]
        replica = min(replicas, key=lambda replica: len(replica.running) / replica.process.slots)
        if not replica.running and not replica.process.is_alive():
            # It died while idle, so no task is at fault.
            replica = _replaced(replica, replicas)
        if not replica.running:
            replica.silent_s = 0.0
        replica.running[task.key] = task
        replica.process.start(replace(task, engine=replica.engine) if replica.engine else task)

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | Loss]]:
        waiting = {
            replica.process.connection: (replicas, replica)
            for replicas in self._replicas.values()
            for replica in replicas
            if replica.running
        }
        while waiting:
            before_s = monotonic()
            ready = wait(list(waiting), BEAT_S)
            passed_s = min(monotonic() - before_s, 2 * BEAT_S)
            found: list[tuple[ShardTask, ShardResult | Loss]] = []
            for connection, (replicas, replica) in waiting.items():
                replica.silent_s += passed_s
                loss = None
                if connection in ready:
                    replica.started, replica.silent_s = True, 0.0
                    result = replica.process.result()
                    if isinstance(result, ShardResult):
                        found.append((replica.running.pop(result.key), result))
                    loss = Loss.PROCESS if result is None else None
                elif replica.silent_s > max(self._silence_s, 0 if replica.started else _START_S):
                    replica.process.kill()
                    loss = Loss.SILENCE
                if loss is not None:
                    found += [(task, loss) for task in replica.running.values()]
                    _replaced(replica, replicas)
            if found:
                return found
        return ()  # what was opened can take tasks at once


def _replica(engine: EngineConfig | None, gpus: Sequence[str]) -> _Replica:
    environment = {GPU_VARIABLE: ",".join(gpus)} if gpus else {}
    slots = engine.shards_in_flight if engine else 1
    return _Replica(WorkerProcess(slots, environment), engine, gpus)


def _replaced(replica: _Replica, replicas: list[_Replica]) -> _Replica:
    """A new replica in place of one whose process died.

    It is first in the list, so that a retried task gets this process rather than a used one.
    """
    replica.process.close()
    _wait_for_gpus(replica)
    fresh = _replica(replica.engine, replica.gpus)
    replicas.remove(replica)
    replicas.insert(0, fresh)
    return fresh


def _wait_for_gpus(replica: _Replica) -> None:
    """Wait for the end of the process, which holds the memory of its GPUs until then."""
    if replica.gpus:
        replica.process.wait()
