from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.execution.runner import execute, missing_tasks
from pipeline.reports.progress import Snapshot, Tally
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import ShardResult

Planner = Callable[..., Sequence[NodePlan]]
NONE = {"videos_out": 0, "videos_rejected": 0, "tokens_in": 0, "tokens_out": 0}


@pytest.fixture
def plans(plan_toys: Planner) -> Sequence[NodePlan]:
    """Admit and spell on four shards of 3, 3, 3 and 1 videos, and count once."""
    return plan_toys([0, 1, 2, 3, 0, 1, 2, 3, 1, 1])


@pytest.fixture
def tally(plans: Sequence[NodePlan]) -> Tally:
    names = {plan.node.name for plan in plans}
    return Tally(plans, missing_tasks(plans, names), "local", 2)


def result(node: str, shard: int, seconds: float, **counts: Any) -> ShardResult:
    return ShardResult(node=node, shard=shard, counts={**NONE, **counts}, seconds=seconds)


def at(tally: Tally, elapsed_s: float, **in_flight: int) -> Snapshot:
    return tally.snapshot("running", elapsed_s, in_flight)


def test_of_a_real_run(plans: Sequence[NodePlan], tally: Tally, inline: Any) -> None:
    tasks = missing_tasks(plans, {plan.node.name for plan in plans})
    root = tasks[0].folder.parent.parent.parent
    for second, each in enumerate(execute(plans, tasks, inline, root), start=1):
        tally.add(each, float(second))
    end = tally.snapshot("end", 10, {})
    assert (end.tasks_done, end.tasks, end.nodes) == (9, 9, 3)
    assert (end.videos_kept, end.videos_rejected) == (8, 2), "two of no letter"
    assert end.videos_per_s == 1, "ten videos in ten seconds"
    assert end.nodes_untimed == []
    assert end.to_text() == "end: 0:10, 9/9 tasks, 1 videos/s, 8 kept, 2 rejected"


def test_the_time_left_is_of_nodes_that_were_timed_and_says_what_lacks(tally: Tally) -> None:
    assert at(tally, 5).remaining_s is None
    assert at(tally, 5).remaining_text == "time left unknown"
    tally.add(result("admit", 0, 10.0), 10.0)
    first = at(tally, 10.0)
    assert first.remaining_s == 30, "three tasks of ten seconds, one at a time"
    assert first.nodes_untimed == ["spell", "count"]
    assert first.remaining_text == "at least 30 s left (2 nodes not timed)"
    tally.add(result("spell", 0, 100.0), 60.0)
    assert at(tally, 60).remaining_s == round((3 * 10 + 3 * 100) / (110 / 60)), "as many at once"
    assert at(tally, 70).remaining_s == 180 - 10, "only time has passed"
    assert at(tally, 1000).remaining_s is None, "it takes longer than that"
    for shard in (1, 2, 3):
        tally.add(result("admit", shard, 10.0), 100.0)
        tally.add(result("spell", shard, 10.0), 100.0)
    tally.add(result("count", 0, 1.0), 101.0)
    assert at(tally, 101).remaining_s is None


def test_what_goes_on_at_once_is_no_more_than_is_left(tally: Tally) -> None:
    for shard in (0, 1, 2):
        tally.add(result("admit", shard, 60.0), 60.0)
    assert at(tally, 60).remaining_s == 60, "one task is left, whatever the number of workers"


def test_failures_end_tasks_and_time_none(tally: Tally) -> None:
    tally.add(ShardResult(node="admit", shard=0, seconds=999.0, error="it broke"), 1.0)
    tally.add(ShardResult(node="spell", shard=0, error="not started", blocked=True), 1.0)
    seen = at(tally, 1.0)
    assert (seen.tasks_done, seen.tasks_failed, seen.tasks_blocked) == (0, 1, 1)
    assert seen.remaining_s is None
    assert "0/9 (2 failed or blocked) tasks" in seen.to_text()


def test_what_has_nothing_to_do_is_done_and_times_none(tally: Tally) -> None:
    tally.add(result("admit", 0, 10.0), 10.0)
    tally.add(ShardResult(node="spell", shard=0, unchanged=True), 10.0)
    seen = at(tally, 10.0)
    assert (seen.tasks_done, seen.tasks_unchanged) == (2, 1)
    assert seen.nodes_untimed == ["spell", "count"]
    assert "2/9 (1 unchanged) tasks" in seen.to_text()


def test_tokens_are_shown_where_a_model_answers(tally: Tally) -> None:
    assert "tokens" not in at(tally, 2).to_text()
    tally.add(result("spell", 0, 2.0, tokens_in=9000, tokens_out=120), 2.0)
    seen = at(tally, 2)
    assert (seen.tokens_in_per_s, seen.tokens_out_per_s) == (4500, 60)
    assert "tokens/s 4500 in 60 out" in seen.to_text()


def test_json_names_units(tally: Tally) -> None:
    tally.add(result("admit", 0, 2.0, videos_out=2, videos_rejected=1), 4.0)
    assert json.loads(at(tally, 4.0, admit=2, spell=0).model_dump_json()) == {
        "event": "running", "elapsed_s": 4.0, "executor": "local", "workers": 2,
        "nodes": 3, "tasks": 9, "tasks_done": 1, "tasks_unchanged": 0,
        "tasks_failed": 0, "tasks_blocked": 0,
        "tasks_in_flight": {"admit": 2},
        "remaining_s": 12, "nodes_untimed": ["spell", "count"],
        "videos_per_s": 0.375, "videos_kept": 0, "videos_rejected": 1,
        "tokens_in": 0, "tokens_out": 0, "tokens_in_per_s": 0.0, "tokens_out_per_s": 0.0,
    }  # fmt: skip


@given(
    st.dictionaries(st.text("abc_", min_size=1, max_size=25), st.integers(1, 999), max_size=23),
    st.integers(40, 200),
)
def test_nodes_in_flight_fit_and_none_is_lost(busy: dict[str, int], most: int) -> None:
    text = at(Tally([], [], "local", None), 1.0, **busy).in_flight_text(most)
    assert len(text) <= most
    named = text.removeprefix("in flight: ").split(", ")
    more = re.fullmatch(r"(\d+) more", named[-1])
    shown = named[:-1] if more else named
    assert len([name for name in shown if name != "nothing"]) + int(more[1] if more else 0) == len(
        busy
    )


def test_it_holds_a_few_numbers_a_node(plan_toys: Planner) -> None:
    """And not one a shard or a result."""
    plans = plan_toys([1] * 600)
    tasks = missing_tasks(plans, {plan.node.name for plan in plans})
    tally = Tally(plans, tasks, "local", 2)
    size = len(repr(vars(tally)))
    for task in tasks:
        tally.add(result(task.node, task.shard, 1.0), 1.0)
    assert len(repr(vars(tally))) < size + 200
