"""A task a machine: what is to be done once on each node of a Ray cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pipeline.execution.executors.ray_cluster import REFRESH_S, Cluster, connect
from pipeline.workflow.machine import A, Machine, MachineError, R


class RayMachines:
    """The machines of the cluster that this process belongs to."""

    def __init__(self, cluster: Cluster, limit_s: float | None) -> None:
        """``limit_s``: after so many seconds a machine that has not answered is given up."""
        self._cluster = cluster
        self._limit_s = limit_s
        nodes: list[Any] = ray.nodes()  # type: ignore[no-untyped-call]
        self.all: Sequence[Machine] = _named([node for node in nodes if node["Alive"]])

    def call(
        self, function: Callable[[A], R], asked: Mapping[Machine, A]
    ) -> Iterator[tuple[Machine, R | MachineError]]:
        """See ``Machines.call``. A machine that is lost meanwhile has an error too.

        Raises:
            ConnectionError: the cluster is gone.
        """
        remote: Any = ray.remote(num_cpus=0, max_retries=0)(function)
        running = {
            remote.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(machine.key, soft=False)
            ).remote(argument): machine
            for machine, argument in asked.items()
        }
        started_s = monotonic()
        while running:
            self._cluster.refresh()
            done, _ = ray.wait(list(running), num_returns=1, timeout=REFRESH_S)
            for reference in done:
                yield running.pop(reference), _answer(reference)
            if self._limit_s is not None and monotonic() - started_s > self._limit_s:
                for reference, machine in running.items():
                    ray.cancel(reference, force=True)
                    yield machine, MachineError(f"no answer within {self._limit_s:g} s")
                return


@contextmanager
def ray_machines(limit_s: float | None = None) -> Iterator[RayMachines]:
    """The machines of the cluster that a run with this environment would use, started here if there
    is none; see ``connect``."""
    ours = not ray.is_initialized()
    if ours:
        connect(None)
    try:
        yield RayMachines(Cluster(), limit_s)
    finally:
        if ours:
            ray.shutdown()


def _named(nodes: Sequence[Mapping[str, Any]]) -> Sequence[Machine]:
    seen: Counter[str] = Counter()
    shared = Counter(str(node["NodeManagerAddress"]) for node in nodes)
    found = []
    for node in sorted(nodes, key=lambda n: (str(n["NodeManagerAddress"]), str(n["NodeID"]))):
        address = str(node["NodeManagerAddress"])
        seen[address] += 1
        name = f"{address}#{seen[address]}" if shared[address] > 1 else address
        has = node["Resources"]
        sizes = has.get("CPU", 0), has.get("GPU", 0)
        found.append(Machine(name, str(node["NodeID"]), *sizes, node["Labels"]))
    return found


def _answer(reference: Any) -> Any:
    try:
        return ray.get(reference)
    except RayTaskError as error:
        return MachineError(_line(error.cause or error))
    except (RayError, GetTimeoutError) as error:
        return MachineError(_line(error))


def _line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
