"""The Ray cluster of a run: joining it, its resources, and whether it is still alive."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import ray

from pipeline.errors import ConfigError
from pipeline.execution.executors.machine_sizes import Node, Size
from pipeline.execution.executors.ray_job import ships_working_dir

ROOT = Path(__file__).resolve().parents[3]

IN_FLIGHT_PER_PLACE = 4
"""Tasks submitted to Ray for each that fits on the cluster at once: enough that no worker waits for
the driver, and that an autoscaler sees more demand."""

REFRESH_S = 5.0

GONE_AFTER_S = 40.0
"""After so long without an answer from its head, a cluster is given up with a ConnectionError. Ray
itself ends this process after 60 s, raising nothing; its ``gcs_rpc_server_reconnect_timeout_s``
moves that end and does not soften it, so the head is probed here."""

_CONNECT_TIMEOUT_S = 10


class Cluster:
    """The state of the cluster that this process belongs to, refreshed every few seconds."""

    def __init__(self) -> None:
        """Raises what ``refresh`` does."""
        context = ray.get_runtime_context()
        self._own = context.get_node_id()
        _, client, host = os.environ.get("RAY_ADDRESS", "").partition("ray://")
        self._head = host if client else context.gcs_address
        self._fetched_s = self._answered_s = monotonic()
        self.nodes: Sequence[Node] = ()
        """Those that are alive."""
        self._places: dict[Size, int] = {}
        self._alive: frozenset[str] = frozenset()
        self._fetch()

    def refresh(self) -> None:
        """Fetch the state, at most every ``REFRESH_S``.

        Raises:
            ConnectionError: the head has stopped answering, or the node of this process is dead.
        """
        if monotonic() - self._fetched_s >= REFRESH_S:
            self._fetch()

    def is_alive(self, node: str) -> bool:
        """Whether a node is alive now."""
        self._fetch()
        return node in self._alive

    @property
    def alive(self) -> frozenset[str]:
        """The ids of the nodes that are alive."""
        return self._alive

    def places(self, size: Size) -> int:
        """How many tasks of that size the whole cluster runs at once when it runs nothing else."""
        if size not in self._places:
            self._places[size] = int(sum(node.places(size) for node in self.nodes))
        return self._places[size]

    def _fetch(self) -> None:
        self._fetched_s = monotonic()
        # A call to a dead head blocks until Ray ends this process.
        try:
            _reach(self._head)
        except OSError as error:
            silent_s = self._fetched_s - self._answered_s
            if silent_s > GONE_AFTER_S:
                raise ConnectionError(
                    f"the head of the Ray cluster ({self._head}) is gone: {error};"
                    " run again, when there is one, for what is missing"
                ) from None
            return
        self._answered_s = self._fetched_s
        nodes = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        self.nodes = [Node(n["NodeID"], n["Resources"], n["Labels"]) for n in nodes]
        self._places.clear()
        self._alive = frozenset(node["NodeID"] for node in nodes)
        if self._own not in self._alive:
            raise ConnectionError(
                "the Ray node of this process is dead: run again for what is missing"
            )


def connect(workers: int | None) -> bool:
    """Join the cluster of ``RAY_ADDRESS``, else one of this machine, else start one with
    ``workers`` CPUs. Returns whether one was started.

    Raises:
        ConnectionError: nothing answers at ``RAY_ADDRESS``.
    """
    address = os.environ.get("RAY_ADDRESS") or "auto"
    if ":" in address:
        try:
            _reach(address.rpartition("://")[2].partition("/")[0])
        except (OSError, ValueError) as error:
            # Ray itself would wait for minutes without a message.
            raise ConnectionError(f"RAY_ADDRESS={address}: no answer from there: {error}") from None
    with _sigterm_kept():
        return _join(address, workers)


def _join(address: str, workers: int | None) -> bool:
    """As ``connect``, where something answers at ``address``."""
    runtime_env = None if ships_working_dir() else {"working_dir": str(ROOT)}
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


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """What SIGTERM does stays as it is. Ray's own handlers print a stack and abort the process."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may say what a signal does
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def check_resources(cluster: Cluster, needs: Iterable[tuple[str, Size]], local: bool) -> None:
    """Print which of the needed (name, size) no machine has now: Ray waits without a message.

    Raises:
        ConfigError: no machine ever will, because the cluster is this machine alone (``local``).
    """
    for lack in sorted(
        {f"{name} needs {size}" for name, size in needs if not cluster.places(size)}
    ):
        if local:
            raise ConfigError(f"{lack}; Ray was started here with fewer (run.workers: CPUs)")
        print(f"{lack}; no machine of the cluster has: waiting for one", file=sys.stderr)


def _reach(address: str) -> None:
    """Raises OSError when nothing listens at a ``host:port``, ValueError when it is not one."""
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_S).close()
