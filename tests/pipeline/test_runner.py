from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pipeline.insight.summary import summarize
from pipeline.journal import journal_path
from pipeline.plan import NodePlan
from pipeline.runner import discard_parts, execute, publish_corpus, todo
from pipeline.store import StoreError, discard, files_path, rejects_path

Planner = Callable[..., Sequence[NodePlan]]


def run(plans: Sequence[NodePlan], executor: Any, root: Path) -> None:
    results = list(execute(plans, todo(plans, {p.node.name for p in plans}), executor, root))
    assert not [r.error for r in results if r.error]


def test_runs_that_publish_at_once_leave_one_whole_corpus(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans, corpus = plan_toys([1, 2, 3]), tmp_path / "run" / "corpus"
    run(plans, inline, tmp_path / "run")
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda _: publish_corpus(plans, corpus), range(200)))
    assert all(done)
    assert [path.name for path in corpus.iterdir()] == ["total.txt"]
    assert not list(corpus.parent.glob(".corpus*")), "nothing half-written stays"


@pytest.mark.parametrize("kind", ["file", "link"])
def test_what_is_no_folder_makes_place_for_the_corpus(
    plan_toys: Planner, inline: Any, tmp_path: Path, kind: str
) -> None:
    plans, corpus = plan_toys([1]), tmp_path / "run" / "corpus"
    run(plans, inline, tmp_path / "run")
    other = tmp_path / "other"
    other.mkdir()
    (other / "kept.txt").write_text("")
    corpus.symlink_to(other) if kind == "link" else corpus.write_text("")
    assert publish_corpus(plans, corpus)
    assert [path.name for path in corpus.iterdir()] == ["total.txt"]
    assert (other / "kept.txt").exists()
    assert not list(corpus.parent.glob(".corpus*"))


def test_a_log_that_was_cut_short_costs_its_last_line(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    root = tmp_path / "run"
    run(plan_toys([1, 2, 3]), inline, root)
    log = root / "log.jsonl"
    log.write_bytes(log.read_bytes()[:-30] + b"\xff")
    run(plan_toys([1, 2, 3, 4]), inline, root)
    entries = []
    for line in log.read_bytes().splitlines():
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    assert [(e["node"], e["shard"]) for e in entries] == [
        ("admit", 0),
        ("spell", 0),
        ("admit", 1),
        ("spell", 1),
        ("count", 0),
    ]
    assert [n.shards_done for n in summarize(plan_toys([1, 2, 3, 4]), root).nodes] == [2, 2, 1]


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
    part = plans[1].tasks[0].part
    if damage == "no rejects":
        rejects_path(part).unlink()
    else:
        part.write_bytes(part.read_bytes()[:100] if damage == "cut" else b"")
    with pytest.raises(StoreError, match=f"{part.parent.name}/.*remove .* and run again"):
        summarize(plans, tmp_path / "run")


def test_a_row_that_comes_again_in_each_shard_counts_each_time(
    plan_toys: Planner, tmp_path: Path
) -> None:
    plans = plan_toys([1] * 9)
    for task in plans[0].tasks[1:]:
        task.manifest[0].update(duplicate_of="row 1", video_id="v0")  # type: ignore[attr-defined]
    summary = summarize(plans, tmp_path / "run")
    assert (summary.videos_in, summary.videos_open) == (9, 7)
    assert summary.videos_rejected == {"duplicate_id": 2}


def test_racing_stages_leave_the_files_of_one(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    from pipeline.store import keep_folder, new_folder

    plans = plan_toys([1])
    run(plans, inline, tmp_path / "run")
    part = plans[2].tasks[0].part
    folders = [new_folder(part) for _ in range(50)]
    for folder in folders:
        (folder / "total.txt").write_text("1")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda folder: keep_folder(folder, part), folders))
    assert (files_path(part) / "total.txt").read_text() == "1"
    assert not list(part.parent.glob(".*"))


def test_parts_are_discarded_from_the_deepest_up_with_their_journals(
    plan_toys: Planner, inline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = plan_toys([1] * 4)
    run(plans, inline, tmp_path / "run")
    parts = [task.part for plan in plans for task in plan.tasks]
    for part in parts:
        journal_path(part).mkdir()
    gone: list[Path] = []

    def discard_some(part: Path) -> None:
        if len(gone) == 2:
            raise KeyboardInterrupt
        gone.append(part)
        discard(part)

    with monkeypatch.context() as patch:
        patch.setattr("pipeline.runner.discard", discard_some)
        with pytest.raises(KeyboardInterrupt):
            discard_parts(plans, {"admit"})
    for plan in plans:
        for task in plan.tasks:
            assert not task.part.exists() or all(part.exists() for part in task.input_parts)
    discard_parts(plans, {"admit"})
    assert not [part for part in parts if part.exists() or journal_path(part).exists()]
