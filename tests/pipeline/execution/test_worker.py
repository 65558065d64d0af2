from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pyarrow.parquet as pq
import pytest

from pipeline.execution import worker
from pipeline.execution.worker import run_shard
from pipeline.store.parts import (
    files_path,
    manifest_path,
    read_counts,
    rejects_path,
    write_manifest,
)
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import ShardResult, ShardTask

Planner = Callable[..., Sequence[NodePlan]]


def run_all(plans: Sequence[NodePlan]) -> dict[str, ShardResult]:
    for task, shard in zip(plans[0].tasks, plans[0].manifest or (), strict=True):
        write_manifest(task.part, shard.rows)
    return {f"{t.node}{t.shard}": run_shard(t) for p in plans for t in p.tasks}


def test_rows_rejects_and_counts_lie_together(plan_toys: Planner) -> None:
    plans = plan_toys([2, 0, 9], admit={"most": 5})
    results = run_all(plans)
    admit, spell, count = (p.tasks[0].part for p in plans)
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
    assert not plans[1].tasks[0].part.exists()
    assert results["spell1"].error is None


def test_a_shard_never_raises(plan_toys: Planner) -> None:
    (task,) = plan_toys([1])[1].tasks
    result = run_shard(task)
    assert result.error is not None and "FileNotFoundError" in result.error


def test_an_error_of_any_length_is_cut_to_few_words(
    plan_toys: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(task: ShardTask) -> NoReturn:
        raise ValueError("it begins so\n" + "and goes on \U0001f3ac\n" * 200_000 + "and ends so")

    monkeypatch.setattr(worker, "_run", fail)
    (task,) = plan_toys([1])[1].tasks
    error = run_shard(task).error
    assert error is not None and len(error.encode()) < 64 << 10
    assert error.startswith("Traceback") and "in fail" in error and "and ends so" in error
    assert "characters are left out here" in error
    assert error.count("ValueError: it begins so") == 2, "where it was raised, and at the end"


def test_a_source_whose_rows_were_not_left_fails_its_shard_alone(plan_toys: Planner) -> None:
    plans = plan_toys([1, 1, 1, 1])
    write_manifest(plans[0].tasks[0].part, [{"video_id": "v0", "n": 1}])
    first, second = map(run_shard, plans[0].tasks)
    assert first.error is None and first.counts["videos_in"] == 1
    assert second.error is not None and "FileNotFoundError" in second.error
    assert manifest_path(second.part).name in second.error


def test_the_same_work_gives_the_same_bytes(plan_toys: Planner) -> None:
    plans = plan_toys([1, 2, 3])
    run_all(plans)
    first = [p.tasks[0].part.read_bytes() for p in plans]
    run_all(plans)
    assert [p.tasks[0].part.read_bytes() for p in plans] == first


@pytest.mark.parametrize("setting", [{"stranger": "v9"}, {"stranger": "v9", "letter": ""}])
def test_a_stage_that_speaks_of_another_video_fails(
    plan_toys: Planner, setting: dict[str, str]
) -> None:
    results = run_all(plan_toys([1, 2], spell=setting))
    assert "spell: not in the shard: ['v9']" in str(results["spell0"].error)
