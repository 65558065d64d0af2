"""The Ray cluster of a run: how it is reached, what it has, and whether it is still there."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import ray

from pipeline.errors import ConfigError
from pipeline.execution.executors.base import JOB_VARIABLE

ROOT = Path(__file__).resolve().parents[3]

IN_FLIGHT_PER_PLACE = 4
"""Tasks handed to Ray for each that fits on the cluster at once: enough that no worker waits for
the driver, and that an autoscaler sees that more are to come."""

LOOK_EVERY_S = 5.0

GONE_AFTER_S = 40.0
"""So long without an answer from its head, a cluster is gone. Ray ends this process after 60."""

_ANSWER_S = 10


class Cluster:
    """What is known of the cluster that this process belongs to, from a look every few seconds."""

    def __init__(self) -> None:
        """Raises what ``look`` does."""
        context = ray.get_runtime_context()
        self._own = context.get_node_id()
        _, client, host = os.environ.get("RAY_ADDRESS", "").partition("ray://")
        self._head = host if client else context.gcs_address
        self._looked_s = self._answered_s = monotonic()
        self._machines: Sequence[Mapping[str, float]] = ()
        self._places: dict[tuple[float, float], int] = {}
        self._alive: frozenset[str] = frozenset()
        self._look()

    def look(self) -> None:
        """Look again, unless the last time was a moment ago.

        Raises:
            ConnectionError: the head does not answer any more, or the node of this process is dead.
        """
        if monotonic() - self._looked_s >= LOOK_EVERY_S:
            self._look()

    def is_alive(self, node: str) -> bool:
        """Whether a node is one of the cluster now."""
        self._look()
        return node in self._alive

    def places(self, cpus: float, gpus: float) -> int:
        """How many tasks of that size fit beside each other, when nothing else is there."""
        size = cpus, gpus
        if size not in self._places:
            self._places[size] = sum(_places(machine, *size) for machine in self._machines)
        return self._places[size]

    def _look(self) -> None:
        self._looked_s = monotonic()
        # What asks a head that is not there waits until Ray ends this process.
        try:
            _reach(self._head)
        except OSError as error:
            silent_s = self._looked_s - self._answered_s
            if silent_s > GONE_AFTER_S:
                raise ConnectionError(
                    f"the head of the Ray cluster ({self._head}) is gone: {error};"
                    " run again, when there is one, for what is missing"
                ) from None
            return
        self._answered_s = self._looked_s
        nodes = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        self._machines = [node["Resources"] for node in nodes]
        self._places.clear()
        self._alive = frozenset(node["NodeID"] for node in nodes)
        if self._own not in self._alive:
            raise ConnectionError(
                "the Ray node of this process is dead: run again for what is missing"
            )


def connect(workers: int | None) -> bool:
    """Join the cluster that there is. Whether a new one was started, because there was none.

    Raises:
        ConnectionError: nobody answers at the address in the environment.
    """
    address = os.environ.get("RAY_ADDRESS") or "auto"
    if ":" in address:
        try:
            _reach(address.rpartition("://")[2].partition("/")[0])
        except (OSError, ValueError) as error:
            # Ray itself waits minutes, and says nothing.
            raise ConnectionError(f"RAY_ADDRESS={address}: no answer from there: {error}") from None
    job = json.loads(os.environ.get(JOB_VARIABLE, "{}"))
    shipped = "working_dir" in job.get("runtime_env", {})
    runtime_env = None if shipped else {"working_dir": str(ROOT)}
    options: dict[str, Any] = {"runtime_env": runtime_env, "log_to_driver": False}
    if address != "local":
        try:
            ray.init(address="auto", **options)
            return False
        except ConnectionError:
            if address != "auto":
                raise
    ray.init(address="local", num_cpus=workers, include_dashboard=False, **options)
    return True


def need_room(cluster: Cluster, needs: Sequence[tuple[str, float, float]], alone: bool) -> None:
    """Say what of the needed (name, CPUs, GPUs) no machine has now. Ray waits, and says nothing.

    Raises:
        ConfigError: no machine will have it, because the cluster is this one ``alone``.
    """
    for name, cpus, gpus in sorted(needs):
        if cluster.places(cpus, gpus):
            continue
        lack = f"{name} needs {cpus:g} CPUs and {gpus:g} GPUs"
        if alone:
            raise ConfigError(f"{lack}; Ray was started here with fewer (run.workers: CPUs)")
        print(f"{lack}; no machine of the cluster has: waiting for one", file=sys.stderr)


def _places(machine: Mapping[str, float], cpus: float, gpus: float) -> int:
    if not cpus and not gpus:
        return 1
    return int(min(machine.get(k, 0) / n for k, n in (("CPU", cpus), ("GPU", gpus)) if n))


def _reach(address: str) -> None:
    """Raises OSError, ValueError: nobody listens at a ``host:port``, or it is none."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
