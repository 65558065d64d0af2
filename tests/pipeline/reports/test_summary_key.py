"""The summary of a run is added up once for the same parts, and anew where any file differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.execution.runner import execute, missing_tasks
from pipeline.reports.status import summarize
from pipeline.reports.summary_key import summary_key
from pipeline.store.location import Location
from pipeline.store.part_names import rejects_path
from pipeline.store.parts import StoreError
from pipeline.store.summary_file import keep_summary
from pipeline.workflow.plan import NodePlan, planned_again

Planner = Callable[..., Sequence[NodePlan]]


def test_what_is_kept_counts_for_these_very_parts_alone(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    root = Location.of(tmp_path / "run")
    plans = plan_toys([1, 0, 5])
    list(execute(plans, missing_tasks(plans, {"admit"}), inline, root))
    plans = [*planned_again(plans)]
    summary = summarize(plans, root)
    known = summary.model_copy(update={"passed_over": {".from_the_file": 1}})
    keep_summary(root, summary_key(plans, root), known.model_dump(mode="json"))
    assert summarize(plans, root) == known

    rejects = Path(rejects_path(plans[0].parts[0]))
    whole = rejects.read_bytes()
    rejects.write_bytes(whole[:-1])
    with pytest.raises(StoreError):
        summarize(plans, root)
    rejects.write_bytes(whole)
    assert summarize(plans, root) == known

    list(execute(plans, missing_tasks(plans, {"spell"}), inline, root))
    later = [*planned_again(plans)]
    assert summarize(later, root).nodes[1].shards_done == 1
    (root / "summary.json").write_bytes(b'{"of": "')
    assert summarize(later, root).nodes[1].shards_done == 1
