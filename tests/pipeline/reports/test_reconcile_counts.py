from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pipeline.execution.runner import execute, missing_tasks
from pipeline.records.digest import canonical_json
from pipeline.reports.reconcile_counts import CountsError, check_reasons, check_videos
from pipeline.reports.status import summarize
from pipeline.store.location import Location
from pipeline.store.part_names import rejects_path
from pipeline.store.parts import read_counts
from pipeline.workflow.plan import NodePlan, planned_again

Planner = Callable[..., Sequence[NodePlan]]


def change(part: Location, rows: int | None = None, **counts: Any) -> None:
    """Give a part other counts, or only so many of its rows."""
    path = Path(part)
    table = pq.read_table(path)
    metadata = {b"turnwise.counts": canonical_json(read_counts(part) | counts)}
    pq.write_table(table.slice(0, rows).replace_schema_metadata(metadata), path)


@pytest.mark.parametrize(
    ("beside", "changes", "message"),
    [
        (False, {"videos_rejected": 0}, "3 videos in, but 2 out \\+ 0 rejected \\+ 0 absent"),
        (False, {"videos_in": 5}, "5 videos in, but 2 out \\+ 1 rejected"),
        (False, {"videos_absent": 1}, "3 videos in, but 2 out \\+ 1 rejected \\+ 1 absent"),
        (False, {"rows_out": 9}, "6 rows, but 9 counted"),
        (False, {"rows": 5}, "5 rows, but 6 counted"),
        (False, {"rejected": {"none": 2}}, "1 rejects, but 2 none"),
        (False, {"rejected": {}}, "1 rejects, but none counted"),
        (True, {"rows": 0}, "0 rejects, but 1 none"),
    ],
)
def test_a_table_that_does_not_add_up_is_refused(
    plan_toys: Planner, inline: Any, tmp_path: Path, beside: bool, changes: Any, message: str
) -> None:
    root = Location.of(tmp_path / "run")
    plans = [p for p in plan_toys([1, 0, 5]) if p.node.name != "count"]
    list(execute(plans, missing_tasks(plans, {"admit", "spell"}), inline, root))
    plans = [*planned_again(plans)]
    summarize(plans, root)
    part = plans[1].parts[0]
    change(rejects_path(part) if beside else part, **changes)
    with pytest.raises(CountsError, match=f"^spell, shard 0, {part.name}: {message}"):
        summarize(plans, root)


def test_each_row_of_the_manifest_has_one_status() -> None:
    rejected, absent = {"damaged": 2, "too_short": 1}, {"not_drawn": 4}
    check_videos(10, 1, rejected, absent, 2)
    with pytest.raises(CountsError, match=r"1 annotated \+ 3 rejected \+ 4 absent \+ 2 not"):
        check_videos(11, 1, rejected, absent, 2)
    check_reasons({"damaged": 2})
    with pytest.raises(CountsError, match="2 videos were neither"):
        check_reasons({"unexplained": 2})
