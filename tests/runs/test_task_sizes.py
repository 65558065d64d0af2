"""What travels between a driver and its workers: paths and counts, never rows or frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ray import cloudpickle

from pipeline.cli.options import planned, run_root
from pipeline.execution.executors.local import LocalExecutor
from pipeline.execution.runner import execute, missing_tasks
from pipeline.store.location import Location

SHARD_BYTES = 64 << 10
"""Below the 100 KiB up to which Ray sends values along, and needs no object store."""

PART_BYTES = 256
"""For each part that a task reads: its path and its kind."""

SHARDS = 2124
"""Of 135,875 videos, 64 a shard."""


def size(value: object) -> int:
    return len(cloudpickle.dumps(value))  # type: ignore[no-untyped-call]


def test_tasks_and_results_are_small(write_config: Callable[..., Path]) -> None:
    settings, plans = planned(write_config("run"), None, 2)
    tasks = missing_tasks(plans, {plan.node.name for plan in plans})
    results = list(execute(plans, tasks, LocalExecutor(2), run_root(settings)))
    assert len(results) == len(tasks) > 20 and not any(result.error for result in results)
    assert max(map(size, tasks)) < SHARD_BYTES
    assert max(map(size, results)) < SHARD_BYTES


def test_a_task_over_the_whole_dataset_grows_with_the_paths_alone(
    write_config: Callable[..., Path],
) -> None:
    _, plans = planned(write_config("run"), None, 2)
    for plan in plans:
        if plan.node.stage.scope != "dataset":
            continue
        (task,) = plan.tasks
        digits = "0123456789abcdef"
        many = tuple(
            tuple(
                (kind, Location.of(f"/mnt/shared/{node}/part-{i:06}-{digits}-{digits}-01234567"))
                for kind, (node, _) in task.needs[0]
            )
            for i in range(SHARDS)
        )
        parts = SHARDS * len(task.needs[0])
        ready = task.ready(dict.fromkeys(task.needed, Location("/part")), Location("/slot"))
        assert size(replace(ready, inputs=many)) < SHARD_BYTES + PART_BYTES * parts
