from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.execution.failure_limits import FailureLimitExceeded, FailureMonitor
from pipeline.execution.runner import execute, missing_tasks
from pipeline.execution.worker import run_shard
from pipeline.records import Record, Reject
from pipeline.store.location import Location
from pipeline.store.parts import write_part
from pipeline.store.run_log import read_log
from pipeline.workflow.config import Limits
from pipeline.workflow.graph import Node
from pipeline.workflow.inputs import PartsMade
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import PlannedTask, ShardResult, ShardTask
from tests.pipeline.toys import Letter

Planner = Callable[..., Sequence[NodePlan]]
Results = Callable[..., ShardResult]


@pytest.fixture
def node(plan_toys: Planner) -> Node:
    """One that asks: twenty asks or videos, then at most half unanswered, 90% rejected."""
    found = plan_toys([1])[1].node
    asking = replace(found.stage, answer=Record)
    return replace(found, stage=asking, limits=Limits(unanswered=0.5, rejected=0.9, after=20))


@pytest.fixture
def result(node: Node, tmp_path: Path) -> Results:
    """``result(asks, videos, refused, timeout=3)``: of a shard, whose part has its rejects."""
    numbers = iter(range(100))

    def make(asks: int, videos: int, refused: int, **reasons: int) -> ShardResult:
        slot = Location.of(tmp_path / f"part-{next(numbers):05d}-x")
        rejects = [
            Reject(video_id="v", reason=reason, detail=f"of {reason}")
            for reason, n in reasons.items()
            for _ in range(n)
        ]
        counts = {
            "asks": asks, "videos_in": videos, "videos_failed": refused, "rejected": reasons
        }  # fmt: skip
        part = write_part(slot, Letter, [], rejects, counts)
        return ShardResult(node=node.name, shard=0, slot=slot, part=part, counts=counts)

    return make


def test_nothing_is_judged_before_there_is_enough_of_it(node: Node, result: Results) -> None:
    monitor = FailureMonitor([node])
    monitor.check(result(19, 10, 10, timeout=19))
    with pytest.raises(FailureLimitExceeded):
        monitor.check(result(1, 1, 1, timeout=1))


@pytest.mark.parametrize("failed", [9, 10, 11])
def test_the_share_is_that_of_all_shards_together(node: Node, result: Results, failed: int) -> None:
    monitor = FailureMonitor([node])
    monitor.check(result(10, 5, 0, rule_of_its_own=9))
    monitor.check(ShardResult(node=node.name, shard=1, error="died"))
    if failed <= 10:
        monitor.check(result(10, 5, 0, timeout=failed - 3, truncated=2, no_valid_answer=1))
        return
    with pytest.raises(FailureLimitExceeded) as stopped:
        monitor.check(result(10, 5, 0, timeout=failed - 3, truncated=2, no_valid_answer=1))
    assert str(stopped.value).splitlines() == [
        "stopped: spell: 55% of 20 asks have no valid answer, more than"
        " nodes.spell.limits.unanswered = 0.5 (timeout 8, truncated 2, no_valid_answer 1)",
        "such as: v: timeout: of timeout",
        "look at: rejects --node spell",
        "then: run, which goes on with what is missing; --set nodes.spell.limits.unanswered=1 if"
        " this is as it should be",
        "and for what failed until here: retry --reason timeout",
    ]


def test_videos_have_a_limit_of_their_own_and_one_is_none(node: Node, result: Results) -> None:
    FailureMonitor([node]).check(result(0, 20, 18, none=18))
    with pytest.raises(FailureLimitExceeded, match="spell: 95% of 20 videos were rejected"):
        FailureMonitor([node]).check(result(0, 20, 19, none=19))
    off = replace(node, limits=Limits(unanswered=1, rejected=1, after=1))
    FailureMonitor([off]).check(result(20, 20, 20, timeout=20))


def test_no_further_shard_is_started(plan_toys: Planner, tmp_path: Path) -> None:
    started: list[ShardTask] = []
    closed: list[bool] = []

    class OneByOne:
        def run(self, tasks: Sequence[PlannedTask], made: PartsMade) -> Iterator[ShardResult]:
            try:
                for task in map(made.resolve, tasks):
                    assert isinstance(task, ShardTask)
                    started.append(task)
                    yield run_shard(task)
            finally:
                closed.append(True)

    plans = [p for p in plan_toys([9] * 60, admit={"most": 5}) if p.node.name == "admit"]
    seen: list[Any] = []
    with pytest.raises(FailureLimitExceeded, match=r"admit: 100% of 21 videos .*too_many 21"):
        for result in execute(
            plans, missing_tasks(plans, {"admit"}), OneByOne(), Location.of(tmp_path)
        ):
            seen.append(result)
    assert len(started) == len(seen) == 7
    assert closed
    assert len(list(read_log(Location.of(tmp_path)))) == 7


def test_a_limit_is_no_part_of_a_nodes_identity(node: Node) -> None:
    other = replace(node, limits=Limits(after=7))
    assert other.recipe_digest == node.recipe_digest
