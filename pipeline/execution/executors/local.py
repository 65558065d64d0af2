"""Processes of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from multiprocessing.connection import wait
from pathlib import Path

from pipeline.engines.base import EngineConfig
from pipeline.errors import ConfigError
from pipeline.execution.executors.base import Loss, run_on
from pipeline.execution.executors.ready_queue import Lane, lane_of
from pipeline.execution.executors.worker_process import WorkerProcess
from pipeline.store.location import Location
from pipeline.workflow.task import ShardResult, ShardTask

GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"

_DEVICES = Path("/dev")


class LocalExecutor:
    """Processes that take one task at a time, and beside them those that hold engines."""

    def __init__(self, workers: int | None = None) -> None:
        """One process for each CPU this process may use, unless ``workers`` says otherwise."""
        self._workers = workers or len(os.sched_getaffinity(0))

    def run(self, tasks: Sequence[ShardTask]) -> Iterator[ShardResult]:
        """See ``Executor.run``.

        Raises:
            ConfigError: an engine needs more GPUs than this machine shows.
        """
        gpus = visible_gpus()
        for engine in {lane.key: lane.engine for lane in map(lane_of, tasks)}.values():
            if engine is not None and engine.gpus > len(gpus):
                raise ConfigError(
                    f"{engine.model} needs {engine.gpus} GPUs; this machine shows {len(gpus)}"
                )
        pool = _LocalPool(min(self._workers, max(1, len(tasks))), gpus)
        try:
            yield from run_on(pool, tasks)
        finally:
            pool.close_all()


def visible_gpus() -> list[str]:
    """The names by which a process can be given the GPUs of this machine."""
    said = os.environ.get(GPU_VARIABLE)
    if said is not None:
        names = [name.strip() for name in said.split(",")]
        # CUDA reads up to the first that is none: -1, as a rule, to hide them all.
        return list(takewhile(lambda name: name and not name.startswith("-"), names))
    # CUDA counts those that it sees from 0, whatever their files are called.
    return [str(i) for i in range(len(list(_DEVICES.glob("nvidia[0-9]*"))))]


@dataclass
class _Host:
    """A process, the engine that its tasks are to open there, and the tasks under way."""

    process: WorkerProcess
    engine: EngineConfig | None
    gpus: Sequence[str]
    running: dict[Location, ShardTask] = field(default_factory=dict)


class _LocalPool:
    def __init__(self, workers: int, gpus: Sequence[str]) -> None:
        self._workers = workers
        self._free_gpus = list(gpus)
        self._hosts: dict[Lane, list[_Host]] = {}

    def open(self, lane: Lane) -> None:
        engines = lane.engine.hosts() if lane.engine else [None] * self._workers
        hosts = self._hosts.setdefault(lane, [])
        for engine in engines[len(hosts) :]:
            count = engine.gpus if engine else 0
            if count > len(self._free_gpus):
                return
            gpus, self._free_gpus = self._free_gpus[:count], self._free_gpus[count:]
            hosts.append(_host(engine, gpus))

    def capacity(self, lane: Lane) -> int:
        return sum(host.process.slots for host in self._hosts.get(lane, ()))

    def close(self, lane: Lane) -> None:
        hosts = self._hosts.pop(lane, [])
        for host in hosts:
            host.process.close()
        for host in hosts:
            _wait_for_gpus(host)
            self._free_gpus += host.gpus

    def close_all(self) -> None:
        for hosts in self._hosts.values():
            for host in hosts:
                host.process.close()
        for lane in list(self._hosts):
            self.close(lane)

    def start(self, task: ShardTask) -> None:
        hosts = self._hosts[lane_of(task)]
        host = min(hosts, key=lambda host: len(host.running) / host.process.slots)
        if not host.running and not host.process.is_alive():
            # It died of something else: no task is to answer for it.
            host = _replaced(host, hosts)
        host.running[task.part] = task
        host.process.start(replace(task, engine=host.engine) if host.engine else task)

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | Loss]]:
        waiting = {
            host.process.connection: (hosts, host)
            for hosts in self._hosts.values()
            for host in hosts
            if host.running
        }
        found: list[tuple[ShardTask, ShardResult | Loss]] = []
        for connection in wait(list(waiting)):
            hosts, host = waiting[connection]  # type: ignore[index]  # they are those given
            result = host.process.result()
            if result is not None:
                found.append((host.running.pop(result.part), result))
                continue
            found += [(task, Loss.PROCESS) for task in host.running.values()]
            _replaced(host, hosts)
        return found


def _host(engine: EngineConfig | None, gpus: Sequence[str]) -> _Host:
    environment = {GPU_VARIABLE: ",".join(gpus)} if gpus else {}
    slots = engine.shards_in_flight if engine else 1
    return _Host(WorkerProcess(slots, environment), engine, gpus)


def _replaced(host: _Host, hosts: list[_Host]) -> _Host:
    """What takes the place of a host whose process died.

    It comes first of all that are as free: a task is tried again in a process that nothing befell.
    """
    host.process.close()
    _wait_for_gpus(host)
    fresh = _host(host.engine, host.gpus)
    hosts.remove(host)
    hosts.insert(0, fresh)
    return fresh


def _wait_for_gpus(host: _Host) -> None:
    """Until the process is gone, its GPUs are full."""
    if host.gpus:
        host.process.wait()
