from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pyarrow.parquet as pq
import pytest

from pipeline.engines.base import EngineError
from pipeline.execution import worker
from pipeline.execution.worker import run_shard
from pipeline.store.part_names import files_path, manifest_path, rejects_path
from pipeline.store.parts import read_counts, write_manifest
from pipeline.workflow.plan import NodePlan, parts_made, planned_again
from pipeline.workflow.task import ShardResult, ShardTask
from tests.pipeline.conftest import part_of

Planner = Callable[..., Sequence[NodePlan]]


def run_all(plans: Sequence[NodePlan]) -> dict[str, ShardResult]:
    for slot, shard in zip(plans[0].slots.values(), plans[0].manifest or (), strict=True):
        write_manifest(slot, shard.rows)
    results = {}
    made = parts_made(plans)
    for task in (task for plan in plans for task in plan.tasks):
        try:
            ready = made.resolve(task)
        except ValueError:
            continue  # what it reads failed
        assert isinstance(ready, ShardTask)
        result = results[f"{task.node}{task.shard}"] = run_shard(ready)
        if result.part is not None:
            made.add(task.key, result.part)
    return results


def first(plans: Sequence[NodePlan], number: int) -> ShardTask:
    """The first task of a node, whose inputs exist."""
    ready = parts_made(plans).resolve(plans[number].tasks[0])
    assert isinstance(ready, ShardTask)
    return ready


def test_rows_rejects_and_counts_lie_together(plan_toys: Planner) -> None:
    plans = plan_toys([2, 0, 9], admit={"most": 5})
    results = run_all(plans)
    admit, spell, count = (part_of(plans, number) for number in range(3))
    assert pq.read_table(Path(spell)).to_pylist() == [{"video_id": "v0", "letter": "x"}] * 2
    rejected = pq.read_table(Path(rejects_path(admit))).to_pylist()
    assert [(r["video_id"], r["reason"], r["stage"]) for r in rejected] == [
        ("v2", "too_many", "admit")
    ]
    assert read_counts(admit) == results["admit0"].counts
    assert read_counts(spell) | {"asks": 0} == {
        "videos_in": 2,
        "videos_out": 1,
        "videos_rejected": 1,
        "videos_absent": 0,
        "videos_failed": 1,
        "rows_out": 2,
        "rejected": {"none": 1},
        "asks": 0,
        "tokens_in": 0,
        "tokens_out": 0,
    }
    assert (files_path(count) / "total.txt").read_bytes() == b"2"
    assert not list(Path(count.parent).glob(".*")), "nothing half-written stays"


def test_a_stage_that_loses_a_video_fails_its_shard_alone(plan_toys: Planner) -> None:
    plans = plan_toys([1, 1, 1, 1], spell={"lose": "v1"})
    results = run_all(plans)
    assert "neither accepted nor rejected: ['v1']" in str(results["spell0"].error)
    assert list(planned_again(plans)[1].parts) == [1]
    assert results["spell1"].error is None


def test_a_shard_never_raises(plan_toys: Planner) -> None:
    result = run_shard(first(plan_toys([1]), 0))
    assert result.error is not None and "FileNotFoundError" in result.error


def test_an_error_of_any_length_is_cut_to_few_words(
    plan_toys: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(task: ShardTask, busy: None) -> NoReturn:
        raise ValueError("it begins so\n" + "and goes on \U0001f3ac\n" * 200_000 + "and ends so")

    monkeypatch.setattr(worker, "_run", fail)
    error = run_shard(first(plan_toys([1]), 0)).error
    assert error is not None and len(error.encode()) < 64 << 10
    assert error.startswith("Traceback") and "in fail" in error and "and ends so" in error
    assert "characters are left out here" in error
    assert error.count("ValueError: it begins so") == 2, "where it was raised, and at the end"


def test_an_engine_that_is_gone_is_one_line(
    plan_toys: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(task: ShardTask, busy: None) -> NoReturn:
        raise EngineError("http://m/v1 cannot\nbe reached")

    monkeypatch.setattr(worker, "_run", fail)
    assert run_shard(first(plan_toys([1]), 0)).error == "http://m/v1 cannot be reached"

    def fail_inside(task: ShardTask, busy: None) -> NoReturn:
        raise EngineError("vLLM cannot run m") from ValueError("no kernel")

    monkeypatch.setattr(worker, "_run", fail_inside)
    assert "ValueError: no kernel" in str(run_shard(first(plan_toys([1]), 0)).error)


def test_a_source_whose_rows_were_not_left_fails_its_shard_alone(plan_toys: Planner) -> None:
    plans = plan_toys([1, 1, 1, 1])
    write_manifest(plans[0].slots[0], [{"video_id": "v0", "n": 1}])
    made = parts_made(plans)
    tasks = [made.resolve(task) for task in plans[0].tasks]
    good, bad = (run_shard(task) for task in tasks if isinstance(task, ShardTask))
    assert good.error is None and good.counts["videos_in"] == 1
    assert bad.error is not None and "FileNotFoundError" in bad.error
    assert manifest_path(plans[0].slots[1]).name in bad.error


def test_the_same_work_gives_the_same_bytes(plan_toys: Planner) -> None:
    plans = plan_toys([1, 2, 3])
    run_all(plans)
    parts = [part_of(plans, number) for number in range(3)]
    before = [part.read_bytes() for part in parts]
    run_all(plans)
    assert [part.read_bytes() for part in parts] == before


@pytest.mark.parametrize("setting", [{"stranger": "v9"}, {"stranger": "v9", "letter": ""}])
def test_a_stage_that_speaks_of_another_video_fails(
    plan_toys: Planner, setting: dict[str, str]
) -> None:
    results = run_all(plan_toys([1, 2], spell=setting))
    assert "spell: not in the shard: ['v9']" in str(results["spell0"].error)
