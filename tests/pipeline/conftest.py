"""A small run of toy stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.execution import worker
from pipeline.execution.executors.base import Loss, run_on
from pipeline.execution.executors.ready_queue import PoolKey
from pipeline.execution.worker import run_shard
from pipeline.store.location import Location
from pipeline.workflow import graph
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import build_graph
from pipeline.workflow.inputs import PartsMade
from pipeline.workflow.plan import NodePlan, make_plan, planned_again
from pipeline.workflow.source import Source
from pipeline.workflow.task import PlannedTask, ShardResult, ShardTask
from tests.pipeline import toys

Planner = Callable[..., Sequence[NodePlan]]


class InlinePool:
    """Runs each task when it is waited for, in this process."""

    alone = True
    """No other hand takes a part away between the plan and the task."""

    def __init__(self) -> None:
        self.waiting: list[ShardTask] = []
        self.order: list[tuple[str, int]] = []

    def open(self, key: PoolKey) -> None:
        """Nothing is needed."""

    def capacity(self, key: PoolKey) -> int:
        """Four."""
        return 4

    def close(self, key: PoolKey) -> None:
        """Nothing is held."""

    def start(self, task: ShardTask) -> None:
        """Hand over one task."""
        self.waiting.append(task)

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | Loss]]:
        """Run the oldest."""
        task = self.waiting.pop(0)
        inputs_exist = all(part.exists() for part in task.input_parts)
        assert inputs_exist or not self.alone, "started before its inputs"
        self.order.append((task.node, task.shard))
        return [(task, run_shard(task))]


class InlineExecutor:
    """An executor for the toys, whose module no other process can import."""

    def __init__(self) -> None:
        self.pool = InlinePool()

    def run(self, tasks: Sequence[PlannedTask], made: PartsMade) -> Iterator[ShardResult]:
        """See ``Executor.run``."""
        return run_on(self.pool, tasks, made)


def part_of(plans: Sequence[NodePlan], number: int, shard: int = 0) -> Location:
    """The part of a shard of the node of that number, as it is now."""
    return planned_again(plans)[number].parts[shard]


@pytest.fixture
def inline() -> InlineExecutor:
    """An executor in this process."""
    return InlineExecutor()


@pytest.fixture
def plan_toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Planner:
    """``plan_toys(ns, admit={…}, …)``: a plan of admit, spell, count; three rows a shard.

    With ``share={}`` also of share, which reads in every shard what count says of all; with
    ``groups={}`` of add_groups in the place of count, which reads what count_group says of groups.
    With ``chain={}`` of admit, chain, which makes streams of the videos, length, and count_all.
    """
    monkeypatch.setattr(graph, "load_stage", toys.load_toy)
    monkeypatch.setattr(worker, "load_stage", toys.load_toy)

    def make(ns: Sequence[int], **configs: dict[str, Any]) -> Sequence[NodePlan]:
        nodes = {
            "admit": {"stage": "admit", "config": configs.get("admit", {})},
            "spell": {"stage": "spell", "after": ["admit"], "config": configs.get("spell", {})},
            "count": {"stage": "count", "after": ["spell"]},
        }
        if "groups" in configs:
            groups = {"stage": "count_group", "after": ["spell"], "config": configs["groups"]}
            nodes |= {"groups": groups, "count": {"stage": "add_groups", "after": ["groups"]}}
        if "chain" in configs:
            nodes = {
                "admit": nodes["admit"],
                "chain": {"stage": "chain", "after": ["admit"], "config": configs["chain"]},
                "length": {"stage": "length", "after": ["chain"]},
                "all": {"stage": "count_all", "after": ["length"]},
            } | configs.get("beside", {})
        if "share" in configs:
            nodes["share"] = {"stage": "share", "after": ["spell", "count"]}
        config = RunConfig.model_validate({"source": {"path": "m.jsonl"}, "nodes": nodes})
        rows = [{"video_id": f"v{i}", "n": n} for i, n in enumerate(ns)]
        source = Source(rows, Location.of(tmp_path))
        return make_plan(build_graph(config), source, 3, Location.of(tmp_path / "run"))

    return make
