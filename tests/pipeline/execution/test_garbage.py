from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pipeline.execution.garbage import find_garbage, remove_garbage
from pipeline.execution.journal import journal_path
from pipeline.execution.runner import execute, missing_tasks
from pipeline.store.location import Location
from pipeline.store.process import Process
from pipeline.store.summary_file import keep_summary
from pipeline.workflow.plan import NodePlan, planned_again

Planner = Callable[..., Sequence[NodePlan]]


def test_what_a_killed_run_left_is_listed_and_goes(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans, root = plan_toys([1, 2, 3]), Location.of(tmp_path / "run")
    tasks = missing_tasks(plans, {plan.node.name for plan in plans})
    list(execute(plans, tasks, inline, root))
    plans = planned_again(plans)
    keep_summary(root, "of these parts", {})
    assert not find_garbage([plans], root)
    before = sorted(path for path in Path(root).rglob("*"))
    slot = plans[1].slots[0]
    now = datetime.now(timezone.utc).isoformat()
    dead = {"at": now, "host": "here", **asdict(Process.this()), "started": 1}
    for file, content in {
        journal_path(slot) / "x.journal": "a reply",
        root / ".corpus.x/data/.y": "half",
        root / "alive/x.json": json.dumps(dead),
        root / "alive/.x.json.y": "half",
        root / "settings/abc/.config.yaml.y": "half",
        root / ".doctor-x": "x",
        root / ".summary.json.x": "x",
    }.items():
        file.write_text(content)
    for folder in (".corpus.y/data/a", "settings/abd", "parts/old/abc", "parts/older"):
        (Path(root) / folder).mkdir(parents=True)
    (Path(slot.parent) / ".part-00000-a.x").mkdir()
    listed = {str(g.file).removeprefix(f"{root}/"): g for g in find_garbage([plans], root)}
    assert sorted((name, g.why, g.is_folder) for name, g in listed.items()) == sorted(
        [
            (f"parts/spell/{slot.parent.name}/.part-00000-a.x", "half-written", True),
            (str(journal_path(slot) / "x.journal")[len(f"{root}/") :], "orphan journal", False),
            (".corpus.x/data/.y", "half-written", False),
            (".corpus.y/data/a", "half-written", True),
            (".doctor-x", "half-written", False),
            (".summary.json.x", "half-written", False),
            ("alive/.x.json.y", "half-written", False),
            ("alive/x.json", "half-written", False),
            ("parts/old/abc", "no node", True),
            ("parts/older", "no node", True),
            ("settings/abc/.config.yaml.y", "half-written", False),
            ("settings/abd", "half-written", True),
        ]
    )
    remove_garbage(list(listed.values()), root)
    left = sorted(path for path in Path(root).rglob("*"))
    assert [path for path in left if path.name not in ("alive", "settings")] == before
