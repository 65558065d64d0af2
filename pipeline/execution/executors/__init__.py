"""Where tasks run: on this machine, or on Ray. ``open_executor`` knows which executors exist."""

from __future__ import annotations

from pipeline.execution.executors.base import WatchedExecutor
from pipeline.execution.executors.local import SILENCE_S, LocalExecutor
from pipeline.execution.executors.ray_job import in_ray_job
from pipeline.workflow.config import ExecutorName


def open_executor(
    name: ExecutorName, workers: int | None, worker_silence_s: float = SILENCE_S, run: str = ""
) -> WatchedExecutor:
    """The executor of a name; ``auto`` is Ray inside a Ray job and local processes elsewhere.

    ``workers``: local processes, or the CPUs of a Ray cluster that has to be started; None takes
    one for each CPU. ``worker_silence_s``: see ``LocalExecutor``. ``run``: its name, by which a
    cluster shows it.
    """
    if not uses_ray(name):
        return LocalExecutor(workers, worker_silence_s)
    from pipeline.execution.executors.ray_executor import RayExecutor  # noqa: PLC0415  takes seconds

    return RayExecutor(workers, run)


def uses_ray(name: ExecutorName) -> bool:
    """Whether a run by this executor goes to a Ray cluster, from where it is called now."""
    return name == "ray" or (name == "auto" and in_ray_job())
