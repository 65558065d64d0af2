"""Stages that read groups of consecutive shards, with toys: three videos a shard, two shards a
group."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.execution.install import install_corpus
from pipeline.store.location import Location
from pipeline.store.part_names import files_path
from pipeline.store.parts import StoreError
from pipeline.workflow.graph import _check_sources
from pipeline.workflow.plan import NodePlan, planned_again
from tests.pipeline.conftest import part_of
from tests.pipeline.workflow.test_plan import missing, run

Planner = Callable[..., Sequence[NodePlan]]

FIVE_SHARDS = list(range(1, 16))


def test_a_task_reads_its_group_and_the_last_what_is_left(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans = plan_toys(FIVE_SHARDS, groups={})
    assert missing(plans) == {"admit": 5, "spell": 5, "groups": 3, "count": 1}
    groups = next(plan for plan in plans if plan.node.name == "groups")
    needed = [list(task.needed) for task in groups.tasks]
    assert needed == [[("spell", 0), ("spell", 1)], [("spell", 2), ("spell", 3)], [("spell", 4)]]
    (whole,) = next(plan for plan in plans if plan.node.name == "count").tasks
    assert list(whole.needed) == [("groups", 0), ("groups", 1), ("groups", 2)]
    assert len(run(plans, inline)) == 14
    assert run(plan_toys(FIVE_SHARDS, groups={}), inline) == []
    assert install_corpus(planned_again(plans), Location.of(tmp_path / "corpus"))
    texts = {path.name: path.read_text() for path in (tmp_path / "corpus").iterdir()}
    assert texts == {"0.txt": "21", "1.txt": "57", "2.txt": "42", "total.txt": "120"}


def test_rows_at_the_end_cost_the_groups_at_the_end(plan_toys: Planner, inline: Any) -> None:
    run(plan_toys(FIVE_SHARDS[:12], groups={}), inline)
    assert run(plan_toys(FIVE_SHARDS, groups={}), inline) == [
        "admit4", "spell4", "groups2", "count0"
    ]  # fmt: skip


def test_the_size_of_a_group_is_identity(plan_toys: Planner, inline: Any) -> None:
    run(plan_toys(FIVE_SHARDS, groups={}), inline)
    plans = plan_toys(FIVE_SHARDS, groups={"shards": 5})
    assert missing(plans) == {"admit": 0, "spell": 0, "groups": 1, "count": 1}
    assert next(p.cause for p in plans if p.node.name == "groups") == "config.shards changed"


def test_a_file_that_is_lost_costs_its_group(
    plan_toys: Planner, inline: Any, tmp_path: Path
) -> None:
    plans = plan_toys(FIVE_SHARDS, groups={})
    run(plans, inline)
    (Path(files_path(part_of(plans, 2, shard=1))) / "1.txt").unlink()
    assert run(plan_toys(FIVE_SHARDS, groups={}), inline) == ["groups1"]
    (Path(files_path(part_of(plans, 2, shard=1))) / "1.txt").write_text("58")
    with pytest.raises(StoreError, match=r"1\.txt cannot be read"):
        install_corpus(planned_again(plans), Location.of(tmp_path / "corpus"))


def test_a_large_file_is_compared_when_it_is_put_in_place_and_not_again(
    plan_toys: Planner, inline: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.execution.install.COPY_UP_TO_BYTES", 0)
    corpus = Location.of(tmp_path / "corpus")
    run(plan_toys(FIVE_SHARDS[:12], groups={}), inline)
    install_corpus(plan_toys(FIVE_SHARDS[:12], groups={}), corpus)
    run(plan_toys(FIVE_SHARDS, groups={}), inline)
    read: list[str] = []
    sha256 = Location.sha256

    def noted(file: Location) -> str:
        read.append(file.name)
        return sha256(file)

    monkeypatch.setattr(Location, "sha256", noted)
    install_corpus(plan_toys(FIVE_SHARDS, groups={}), corpus)
    assert read == ["2.txt", "total.txt"]


def test_rows_of_videos_of_a_group_are_for_stages_of_all_shards_alone(
    plan_toys: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = [plan.node for plan in plan_toys([1], groups={}, share={})]
    _check_sources(nodes)
    monkeypatch.setattr("pipeline.workflow.graph.about_dataset", lambda kind: False)
    with pytest.raises(ConfigError, match="'count' works on several shards at once"):
        _check_sources(nodes)
