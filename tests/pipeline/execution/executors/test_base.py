from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.engines.base import EngineConfig
from pipeline.execution.executors.base import ATTEMPTS, DEATHS_IN_A_ROW, MACHINES, Loss, run_on
from pipeline.execution.executors.ready_queue import ANY_WORKER, PoolKey, ReadyQueue, pool_key
from pipeline.execution.runner import execute, missing_tasks
from pipeline.store.location import Location
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import PlannedTask, ShardResult, ShardTask
from tests.pipeline.execution.executors.scripted_pool import (
    Placed,
    ScriptedPool,
    Shared,
    graphs,
    result,
    task,
)

Planner = Callable[..., Sequence[NodePlan]]


@settings(deadline=None)
@given(
    graphs(),
    st.integers(1, 2),
    st.sets(st.integers(0, 8)),
    st.sets(st.integers(0, 8)),
    st.lists(st.integers(0, 8), max_size=MACHINES - 1),
    st.data(),
)
def test_every_task_has_one_result_and_none_starts_below_a_failure(
    tasks: list[PlannedTask],
    fit: int,
    failing: set[int],
    dying: set[int],
    leaving: list[int],
    data: st.DataObject,
) -> None:
    in_flight: Counter[str] = Counter()
    waiting: Counter[str] = Counter()

    def pick(n: int) -> int:
        assert +in_flight == Counter(each.node for each in pool.running)
        return data.draw(st.integers(0, n - 1))

    pool = ScriptedPool(
        fit,
        pick,
        {f"n{i}" for i in failing},
        {f"n{i}" for i in dying},
        [f"n{i}" for i in leaving],
    )
    results = list(run_on(pool, tasks, Placed(), in_flight=in_flight, waiting=waiting))
    assert not any(in_flight.values()) and not any(waiting.values())
    assert sorted(r.node for r in results) == sorted(t.node for t in tasks)
    unfit = {f"n{i}" for i in failing | dying}
    bad: set[str] = set()
    for each in tasks:
        if each.node in unfit or any(node in bad for node, _ in each.needed):
            bad.add(each.node)
    hopeless = {r.node for r in results if r.error and "again and again" in r.error}
    failed = {r.node for r in results if r.error}
    # Who is beside one that dies is tried again by itself, and so is not taken along; and machines
    # that leave are nobody's fault.
    assert failed == bad if not hopeless else failed >= bad
    for ended in results:
        starts = pool.started.count(ended.node) - pool.displaced[ended.node]
        if ended.blocked:
            assert starts == 0
        elif ended.node[1:] in map(str, dying) and not hopeless:
            assert starts == ATTEMPTS
        else:
            assert starts <= ATTEMPTS
    assert not pool.keys, "an engine without tasks is let go"


def test_what_can_start_and_does_not_fit_waits() -> None:
    waiting: Counter[str] = Counter()
    seen: list[int] = []

    def pick(n: int) -> int:
        seen.append(waiting.total())
        return 0

    tasks = [task(i, [], Shared(model="a")) for i in range(3)]
    pool = ScriptedPool(1, pick, set(), {"n2"})
    list(run_on(pool, tasks, Placed(), waiting=waiting))
    opening, dying = [3, 3, 2], [2, 2]
    assert seen == [opening[0], dying[0], opening[1], dying[1], opening[2], 1, 0]


def test_an_engine_whose_process_dies_again_and_again_is_left_alone() -> None:
    tasks = [task(i, [], Shared(model="a")) for i in range(20)]
    names = {t.node for t in tasks}
    pool = ScriptedPool(1, lambda n: 0, set(), names)
    results = list(run_on(pool, tasks, Placed()))
    assert {r.node for r in results if r.error} == names
    assert len(pool.started) == DEATHS_IN_A_ROW


def test_a_task_may_lose_some_machines_but_not_all_there_will_ever_be() -> None:
    for times, error in (
        (MACHINES - 1, None),
        (MACHINES, f"{Loss.MACHINE.value} {MACHINES} times"),
    ):
        pool = ScriptedPool(1, lambda n: 0, set(), set(), ["n0"] * times)
        (ended,) = run_on(pool, [task(0, [])], Placed())
        assert ended.error == error


def test_an_engine_that_takes_down_every_machine_is_left_alone() -> None:
    tasks = [task(i, [], Shared(model="a", replicas=2)) for i in range(20)]
    pool = ScriptedPool(1, lambda n: 0, set(), set(), [t.node for t in tasks] * MACHINES)
    assert all(each.error for each in run_on(pool, tasks, Placed()))
    assert len(pool.started) == 2 * MACHINES


class SpaciousPool:
    """Finishes tasks in the order they came, ``most`` of them at once."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.opened: list[str] = []
        self.closed: set[str] = set()
        self.running: deque[ShardTask] = deque()
        self.died = False

    def open(self, key: PoolKey) -> None:
        self.opened.append(key.engine.model if key.engine else "")

    def capacity(self, key: PoolKey) -> int:
        return 0 if key.engine is not None and key.engine.model == "late" else self.most

    def close(self, key: PoolKey) -> None:
        self.closed.add(key.name)

    def start(self, task: ShardTask) -> None:
        self.running.append(task)

    def finished(self) -> Sequence[tuple[ShardTask, ShardResult | Loss]]:
        task = self.running.popleft()
        return [(task, Loss.PROCESS if self.died else result(task))]


@pytest.mark.parametrize("engine", [None, Shared(model="a", slots=4000)])
def test_the_cost_of_a_task_does_not_grow_with_those_under_way(engine: EngineConfig | None) -> None:
    tasks = [task(i, [], engine) for i in range(8000)]

    def spent_s(capacity: int) -> float:
        started = process_time()
        assert sum(1 for _ in run_on(SpaciousPool(capacity), tasks, Placed())) == len(tasks)
        return process_time() - started

    # CPU time, and the best of three: what else runs here does not count.
    assert min(spent_s(4000) for _ in range(3)) < 5 * spent_s(8)


def test_engines_take_turns_back_and_forth() -> None:
    a, b = Shared(model="a"), Shared(model="b")
    tasks = [task(0, [], b), task(1, [0], a), task(2, [1], b)]
    pool = ScriptedPool(1, lambda n: 0, set(), set())
    assert [each.node for each in run_on(pool, tasks, Placed())] == ["n0", "n1", "n2"]


def test_an_engine_without_a_process_is_opened_first() -> None:
    pool = SpaciousPool(1)
    tasks = [task(0, [], Shared(model="early")), task(1, [], Shared(model="late"))]
    next(iter(run_on(pool, [*tasks, task(2, [], Shared(model="early"))], Placed())))
    assert pool.opened == ["late", "early"]


def test_an_engine_that_is_given_up_is_let_go() -> None:
    pool = SpaciousPool(1)
    pool.died = True
    tasks = [task(i, [], Shared(model="a")) for i in range(20)]
    assert all(each.error for each in run_on(pool, tasks, Placed()))
    assert pool.closed == {pool_key(tasks[0]).name}


def test_the_deepest_ready_task_goes_first() -> None:
    queue = ReadyQueue([task(0, []), task(1, []), task(2, [0])], Placed().resolve)
    assert not list(queue.opened())
    assert (first := queue.take(ANY_WORKER)) is not None and first.node == "n1"
    assert (second := queue.take(ANY_WORKER)) is not None and second.node == "n0"
    assert queue.take(ANY_WORKER) is None
    assert not list(queue.done(("n0", 0)))
    assert (third := queue.take(ANY_WORKER)) is not None and third.node == "n2"


def test_a_task_that_reads_a_part_twice_starts_once_and_ends_once() -> None:
    tasks = [task(0, []), task(1, []), task(2, [0, 0, 1])]
    queue = ReadyQueue(tasks, Placed().resolve)
    assert not list(queue.opened())
    taken = [queue.take(ANY_WORKER) for _ in range(3)]
    assert [each and each.node for each in taken] == ["n1", "n0", None]
    assert not list(queue.done(tasks[0].key))
    assert queue.take(ANY_WORKER) is None, "the other part does not exist yet"
    assert not list(queue.done(tasks[1].key))
    assert (last := queue.take(ANY_WORKER)) is not None and last.node == "n2"
    assert queue.take(ANY_WORKER) is None
    queue = ReadyQueue(tasks, Placed().resolve)
    assert [each.node for each in queue.failed(tasks[0].key)] == ["n2"]


def test_a_failed_shard_blocks_only_what_lies_below(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans = plan_toys([1, 1, 1, 1], spell={"lose": "v1"})
    tasks = missing_tasks(plans, {"admit", "spell", "count"})
    results = list(execute(plans, tasks, inline, Location.of(tmp_path)))
    assert {f"{r.node}{r.shard}": r.blocked for r in results if r.error} == {
        "spell0": False,
        "count0": True,
    }
    assert {f"{r.node}{r.shard}" for r in results if not r.error} == {"admit0", "admit1", "spell1"}
