"""What a stage says of the whole dataset is read by every shard of a later one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.execution.runner import execute, missing_tasks
from pipeline.records.schema import from_table
from pipeline.store.location import Location
from pipeline.store.parts import read_table
from pipeline.workflow.plan import planned_again
from tests.pipeline.conftest import Planner
from tests.pipeline.toys import Share


def run(plans: Any, inline: Any, root: Path) -> None:
    chosen = frozenset(plan.node.name for plan in plans)
    results = list(execute(plans, missing_tasks(plans, chosen), inline, Location.of(root)))
    assert not [result.error for result in results if result.error]


def shares(plans: Any) -> dict[str, float]:
    parts = planned_again(plans)[-1].parts.values()
    rows = [
        row for part in parts for row in from_table(Share, read_table(part, Share.model_fields))
    ]
    return {row.video_id: row.share for row in rows}


def test_every_shard_reads_it_and_a_new_video_moves_all(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans = plan_toys([1, 2, 3, 4], share={})
    assert [len(plan.tasks) for plan in plans] == [2, 2, 1, 2]
    run(plans, inline, tmp_path / "run")
    assert shares(plans) == {f"v{i}": pytest.approx((i + 1) / 10) for i in range(4)}
    assert not any(plan.missing for plan in plan_toys([1, 2, 3, 4], share={}))

    grown = plan_toys([1, 2, 3, 4, 10], share={})
    missing = {plan.node.name: len(plan.missing) for plan in grown}
    assert missing == {"admit": 1, "spell": 1, "count": 1, "share": 2}, "the whole is another"
    run(grown, inline, tmp_path / "run")
    assert shares(grown)["v0"] == pytest.approx(1 / 20)
