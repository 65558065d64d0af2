from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.execution.runner import execute, missing_tasks
from pipeline.reports.status import summarize
from pipeline.store.location import Location
from pipeline.store.part_names import files_path, rejects_path, slot_of
from pipeline.store.parts import StoreError, new_folder, read_manifest, write_part
from pipeline.store.run_log import read_log
from pipeline.workflow.config import RunConfig, SourceSection
from pipeline.workflow.graph import build_graph
from pipeline.workflow.plan import NodePlan, make_plan, planned_again
from pipeline.workflow.source import read_source
from tests.pipeline.conftest import part_of
from tests.pipeline.toys import Count

Planner = Callable[..., Sequence[NodePlan]]


def run(plans: Sequence[NodePlan], executor: Any, root: Path) -> None:
    tasks = missing_tasks(plans, {p.node.name for p in plans})
    results = list(execute(plans, tasks, executor, Location.of(root)))
    assert not [r.error for r in results if r.error]


def test_a_log_that_was_cut_short_costs_its_last_line(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    run(plan_toys([1, 2, 3]), inline, root)
    (log,) = (root / "log").glob("*.jsonl")
    log.write_bytes(log.read_bytes()[:-30] + b"\xff")
    log.rename(log.with_name(f"20000101{log.name[8:]}"))  # files of one second have no order
    run(plan_toys([1, 2, 3, 4]), inline, root)
    assert len(list((root / "log").iterdir())) == 2, "each run has a file of its own"
    assert [(e["node"], e["shard"]) for e in read_log(Location.of(root))] == [
        ("admit", 0),
        ("spell", 0),
        ("admit", 1),
        ("spell", 1),
        ("count", 0),
    ]
    summary = summarize(plan_toys([1, 2, 3, 4]), Location.of(root))
    assert [n.shards_done for n in summary.nodes] == [2, 2, 1]
    assert [n.shards_failed for n in summary.nodes] == [0, 0, 0]


@pytest.mark.parametrize("text", ['{"half', "[]", '{"config": 3}', "\udcff"])
def test_a_damaged_recipe_costs_no_more_than_the_cause(
    plan_toys: Planner, inline: Any, tmp_path: Path, text: str
) -> None:
    run(plan_toys([1]), inline, tmp_path / "run")
    (recipe,) = (tmp_path / "run" / "parts" / "spell").glob("*/recipe.json")
    recipe.write_bytes(text.encode(errors="surrogateescape"))
    plans = plan_toys([1], spell={"letter": "y"})
    assert [len(plan.missing) for plan in plans] == [0, 1, 1]


@pytest.mark.parametrize("damage", ["cut", "empty", "no rejects"])
def test_a_damaged_part_is_named_with_what_to_do(
    plan_toys: Planner, inline: Any, tmp_path: Path, damage: str
) -> None:
    plans = plan_toys([1, 2, 3])
    run(plans, inline, tmp_path / "run")
    plans = planned_again(plans)
    part = plans[1].parts[0]
    if damage == "no rejects":
        rejects_path(part).remove()
    else:
        part.write_bytes(part.read_bytes()[:100] if damage == "cut" else b"")
    with pytest.raises(StoreError, match=f"{part.parent.name}/.*remove .* and run again"):
        summarize(plans, Location.of(tmp_path / "run"))


def plan_file(manifest: Path, plans: Sequence[NodePlan] = ()) -> Sequence[NodePlan]:
    """The nodes of ``plans``, or ``ingest`` alone, on a manifest; three rows a shard."""
    section = SourceSection(path=str(manifest))
    config = RunConfig(source=section, nodes={"ingest": {"stage": "ingest"}})
    nodes = [plan.node for plan in plans] or build_graph(config)
    return make_plan(nodes, read_source(section), 3, Location.of(manifest.parent / "run"))


def test_a_row_that_comes_again_in_each_shard_counts_each_time(inline: Any, tmp_path: Path) -> None:
    names = [f"v{i if i % 3 else 0}" for i in range(9)]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("".join(f'{{"video_id": "{n}", "uri": "absent.mp4"}}\n' for n in names))
    plans, root = plan_file(manifest), tmp_path / "run"
    summary = summarize(plans, Location.of(root))
    assert (summary.videos_in, summary.videos_open, summary.videos_rejected) == (9, 9, {})
    run(plans, inline, root)
    summary = summarize(planned_again(plans), Location.of(root))
    assert (summary.videos_in, summary.videos_open) == (9, 0)
    assert summary.videos_rejected == {"missing_file": 7, "duplicate_id": 2}


def test_the_rows_of_a_part_lie_beside_it(inline: Any, tmp_path: Path) -> None:
    lines = [
        '{"video_id": "a", "uri": "a.mp4", "annotations": [{"z": 1.0, "a": null}]}',
        '{"uri": "ends\u2028of\u0085lines.mp4"}',
        r'{"uri": "escaped\r\n\u2028.mp4"}',
        "{oops",
        '{"video_id": "a", "uri": "b.mp4"}',
    ]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("\n".join(lines), encoding="utf-8")
    plans = plan_file(manifest)
    run(plans, inline, tmp_path / "run")
    found = [read_manifest(slot) for slot in plans[0].slots.values()]
    source = read_source(SourceSection(path=str(manifest)))
    assert [tuple(rows) for rows in found] == list(source.shards(3))
    assert [len(rows) for rows in found] == [3, 2]


def toy_rows(*ns: int) -> str:
    return "".join(
        f'{{"video_id": "v{i}", "n": {n}, "uri": "{i}.mp4"}}\n' for i, n in enumerate(ns)
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.write_text(toy_rows(1, 2, 3, 4, 9)), "the manifest, or a video of it"),
        (lambda m: m.write_text(toy_rows(1, 2, 3, 4, 5, 6)), "the manifest, or a video of it"),
        (lambda m: m.with_name("4.mp4").write_bytes(b"1"), "the manifest, or a video of it"),
        (lambda m: m.write_text(toy_rows(1, 2, 3)), "the manifest became shorter"),
        (lambda m: m.write_text(""), "no videos in"),
    ],
)
def test_a_manifest_that_changes_after_it_was_planned_is_said(
    plan_toys: Planner, inline: Any, tmp_path: Path, change: Callable[[Path], Any], said: str
) -> None:
    manifest, root = tmp_path / "m.jsonl", tmp_path / "run"
    manifest.write_text(toy_rows(1, 2, 3, 4, 5))
    toys = plan_toys([1])
    plans = plan_file(manifest, toys)
    change(manifest)
    with pytest.raises(ConfigError, match=said):
        run(plans, inline, root)
    assert not inline.pool.order, "nothing runs"
    manifest.write_text(toy_rows(1, 2, 3, 4))
    run(plan_file(manifest, toys), inline, root)
    assert not any(plan.missing for plan in plan_file(manifest, toys))


@pytest.mark.parametrize("name", ["admit", "spell"])
def test_one_node_alone_needs_its_inputs(plan_toys: Planner, name: str) -> None:
    plans = plan_toys([1])
    if name == "admit":
        assert [t.node for t in missing_tasks(plans, {name})] == ["admit"]
    else:
        with pytest.raises(ConfigError, match="spell reads admit, which has not run"):
            missing_tasks(plans, {name})


def test_rows_that_come_after_those_that_were_planned_wait(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    manifest = tmp_path / "m.jsonl"
    manifest.write_text(toy_rows(1, 2, 3))
    toys = plan_toys([1])
    plans = plan_file(manifest, toys)
    manifest.write_text(toy_rows(1, 2, 3, 4))
    run(plans, inline, tmp_path / "run")
    assert [len(plan.missing) for plan in plan_file(manifest, toys)] == [1, 1, 1]


def test_racing_stages_leave_the_files_of_one(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans = plan_toys([1])
    run(plans, inline, tmp_path / "run")
    part = part_of(plans, 2)
    folders = [new_folder(slot_of(part)) for _ in range(50)]
    for folder in folders:
        (folder / "total.txt").write_text("1")
    with ThreadPoolExecutor(8) as threads:
        made = threads.map(lambda f: write_part(slot_of(part), Count, [], [], {}, None, f), folders)
        (made_part,) = set(made)
    assert (files_path(made_part) / "total.txt").read_bytes() == b"1"
    assert not list(Path(part.parent).glob(".*"))
