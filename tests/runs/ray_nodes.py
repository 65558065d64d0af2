"""A Ray cluster on this machine whose nodes can be looked at, killed and added."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

SETTINGS = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"}
"""Of the environment of the cluster and of what joins it."""

NOTICED_SOON = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_failure_threshold": 20,
}
"""A node that does not answer for ten seconds is dead; a busy machine takes some of them."""


class Nodes:
    """A head that runs no task, and nodes beside it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.address = str(cluster.address)

    def add(self, num_cpus: int, **more: Any) -> Any:
        """``more`` as ``Cluster.add_node`` takes it, such as ``num_gpus`` and ``env_vars``."""
        # Each unpacks what a run ships for itself, as it would on a machine of its own.
        folder = f"runtime_env_{uuid.uuid4().hex[:8]}"
        return self._cluster.add_node(num_cpus=num_cpus, runtime_env_dir_name=folder, **more)

    @property
    def all(self) -> list[Any]:
        """Those beside the head."""
        return list(self._cluster.worker_nodes)

    def processes(self, node: Any) -> list[int]:
        """The processes that end with a machine."""
        return [_raylet(node), *_below(_raylet(node))]

    def tasks(self, node: Any) -> dict[int, str]:
        """The processes of a node that run a task and the names of these, from the titles that Ray
        gives its workers."""
        titles = {pid: _title(pid) for pid in _below(_raylet(node))}
        names = {p: t.removeprefix("ray::") for p, t in titles.items() if t.startswith("ray::")}
        return {p: name for p, name in names.items() if name != "IDLE" and name[-5:] != "Agent"}

    def running(self, node: Any) -> list[str]:
        """Names of the tasks that a node is running."""
        return list(self.tasks(node).values())

    def kill(self, node: Any) -> None:
        """As if its machine had lost its power."""
        for pid in self.processes(node):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._cluster.worker_nodes.discard(node)

    def replace_lost(self) -> None:
        """Add a machine for each whose Ray has been killed."""
        for node in [node for node in self.all if not _title(_raylet(node))]:
            self._cluster.worker_nodes.discard(node)
            self.add(num_cpus=1)

    def kill_head(self) -> None:
        head: Any = self._cluster.head_node
        processes = [p.process.pid for group in head.all_processes.values() for p in group]
        for pid in [*processes, *(below for each in processes for below in _below(each))]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def ray_nodes(*cpus: int) -> Iterator[tuple[Nodes, list[Any]]]:
    """A head, and a node for each number of CPUs. A driver that joins lives on the head."""
    # Short, because the paths of its sockets may not be longer than 107 bytes.
    folder = tempfile.mkdtemp(prefix="ray")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**SETTINGS, "RAY_TMPDIR": folder}.items():
            environment.setenv(name, value)
        # Ray keeps what asks for no GPU off a machine that has one, if it can: engines too.
        head = {"num_cpus": 0, "num_gpus": 1, "include_dashboard": False}
        cluster = Cluster(
            initialize_head=True, head_node_args={**head, "_system_config": NOTICED_SOON}
        )
        try:
            nodes = Nodes(cluster)
            yield nodes, [nodes.add(num_cpus=n) for n in cpus]
        finally:
            for node in cluster.list_all_nodes():  # type: ignore[no-untyped-call]
                node.kill_all_processes(check_alive=False, allow_graceful=False)
            shutil.rmtree(folder, ignore_errors=True)


def wait_for(event: Callable[[], Any], still: Callable[[], bool]) -> Any:
    """The first true value of ``event()``, which must come while ``still()`` holds."""
    while not (found := event()):
        assert still(), "it ended before that happened"
        time.sleep(0.02)
    return found


def _raylet(node: Any) -> int:
    (raylet,) = node.all_processes["raylet"]
    pid: int = raylet.process.pid
    return pid


def _below(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *_below(child)]
    return found


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        return ""
