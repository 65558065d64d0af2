from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.executor import ATTEMPTS, Frontier, run_on
from pipeline.plan import NodePlan
from pipeline.runner import execute, todo
from pipeline.worker import ShardResult, ShardTask

Planner = Callable[..., Sequence[NodePlan]]


def task(number: int, after: Sequence[int]) -> ShardTask:
    inputs = (tuple(("Row", Path(str(other))) for other in after),)
    return ShardTask(
        node=f"n{number}",
        stage="s",
        shard=0,
        config={},
        manifest=(),
        inputs=inputs,
        part=Path(str(number)),
        media_root=Path(),
        engine=None,
        prompts={},
        cpus=1,
        gpus=0,
    )


@st.composite
def graphs(draw: st.DrawFn) -> list[ShardTask]:
    n = draw(st.integers(0, 8))
    return [
        task(i, sorted(draw(st.sets(st.integers(0, i - 1), max_size=3))) if i else [])
        for i in range(n)
    ]


class ScriptedPool:
    """Finishes tasks in an order, fails some and lets the worker of others die, as told."""

    def __init__(
        self, capacity: int, pick: Callable[[int], int], failing: set[str], dying: set[str]
    ) -> None:
        self.capacity = capacity
        self.running: list[ShardTask] = []
        self.started: list[str] = []
        self.done: set[Path] = set()
        self.pick, self.failing, self.dying = pick, failing, dying

    def start(self, task: ShardTask) -> None:
        assert len(self.running) < self.capacity
        assert all(p in self.done for p in task.input_parts), "started before its inputs"
        self.started.append(task.node)
        self.running.append(task)

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | None]]:
        task = self.running.pop(self.pick(len(self.running)))
        if task.node in self.dying:
            return [(task, None)]
        error = "broken" if task.node in self.failing else None
        if error is None:
            self.done.add(task.part)
        return [(task, ShardResult(task.node, 0, task.part, error=error))]


@settings(deadline=None)
@given(
    graphs(), st.integers(1, 3), st.sets(st.integers(0, 8)), st.sets(st.integers(0, 8)), st.data()
)
def test_every_task_has_one_result_and_none_starts_below_a_failure(
    tasks: list[ShardTask], capacity: int, failing: set[int], dying: set[int], data: st.DataObject
) -> None:
    pool = ScriptedPool(
        capacity,
        lambda n: data.draw(st.integers(0, n - 1)),
        {f"n{i}" for i in failing},
        {f"n{i}" for i in dying},
    )
    results = list(run_on(pool, tasks))
    assert sorted(r.node for r in results) == sorted(t.node for t in tasks)
    broken = {f"n{i}" for i in failing | dying}
    bad: set[str] = set()
    for each in tasks:
        if each.node in broken or any(f"n{p}" in bad for p in each.input_parts):
            bad.add(each.node)
    assert {r.node for r in results if r.error} == bad
    for result in results:
        starts = pool.started.count(result.node)
        assert starts == (
            0 if result.blocked else ATTEMPTS if result.node[1:] in map(str, dying) else 1
        )


def test_the_deepest_ready_task_goes_first() -> None:
    frontier = Frontier([task(0, []), task(1, []), task(2, [0])])
    assert (first := frontier.take()) is not None and first.node == "n1"
    assert (second := frontier.take()) is not None and second.node == "n0"
    assert frontier.take() is None
    frontier.done(Path("0"))
    assert (third := frontier.take()) is not None and third.node == "n2"


def test_a_failed_shard_blocks_only_what_lies_below(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans = plan_toys([1, 1, 1, 1], spell={"lose": "v1"})
    results = list(execute(plans, todo(plans, {"admit", "spell", "count"}), inline, tmp_path))
    assert {f"{r.node}{r.shard}": r.blocked for r in results if r.error} == {
        "spell0": False,
        "count0": True,
    }
    assert {f"{r.node}{r.shard}" for r in results if not r.error} == {"admit0", "admit1", "spell1"}


@pytest.mark.parametrize("name", ["admit", "spell"])
def test_one_node_alone_needs_its_inputs(plan_toys: Planner, name: str) -> None:
    from pipeline.suggest import ConfigError

    plans = plan_toys([1])
    if name == "admit":
        assert [t.node for t in todo(plans, {name})] == ["admit"]
    else:
        with pytest.raises(ConfigError, match="spell reads admit, which has not run"):
            todo(plans, {name})
