from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline.execution.runner import discard_parts, execute, missing_tasks
from pipeline.store.location import Location
from pipeline.store.parts import discard, write_recipe
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph
from pipeline.workflow.plan import NodePlan, make_plan
from pipeline.workflow.source import Source

STREAMO = Path(__file__).resolve().parents[3] / "configs" / "streamo.yaml"

Planner = Callable[..., Sequence[NodePlan]]


def run(plans: Sequence[NodePlan], executor: Any) -> list[str]:
    root = plans[0].tasks[0].part.parent.parent.parent.parent
    results = list(
        execute(plans, missing_tasks(plans, {p.node.name for p in plans}), executor, root)
    )
    assert not [r.error for r in results if r.error]
    return [f"{r.node}{r.shard}" for r in results]


def missing(plans: Sequence[NodePlan]) -> dict[str, int]:
    return {p.node.name: len(p.missing) for p in plans}


def test_nothing_is_made_twice(plan_toys: Planner, inline: Any) -> None:
    ns = [1, 2, 3, 4, 5]
    assert missing(plan_toys(ns)) == {"admit": 2, "spell": 2, "count": 1}
    assert sorted(run(plan_toys(ns), inline)) == ["admit0", "admit1", "count0", "spell0", "spell1"]
    assert missing(plan_toys(ns)) == {"admit": 0, "spell": 0, "count": 0}
    assert run(plan_toys(ns), inline) == []


def test_a_changed_config_replans_what_lies_below_and_says_why(
    plan_toys: Planner, inline: Any
) -> None:
    run(plan_toys([1, 2]), inline)
    plans = plan_toys([1, 2], spell={"letter": "y"})
    assert missing(plans) == {"admit": 0, "spell": 1, "count": 1}
    causes = {p.node.name: p.cause for p in plans}
    assert causes == {
        "admit": "",
        "spell": "config.letter changed",
        "count": "below spell (config.letter changed)",
    }
    run(plans, inline)
    assert missing(plan_toys([1, 2])) == {"admit": 0, "spell": 0, "count": 0}, "the old parts stay"


def test_a_growing_manifest_costs_its_last_shard(plan_toys: Planner, inline: Any) -> None:
    run(plan_toys([1, 2, 3, 4]), inline)
    plans = plan_toys([1, 2, 3, 4, 5])
    assert missing(plans) == {"admit": 1, "spell": 1, "count": 1}
    assert {p.cause for p in plans} == {"shards not made yet", "below admit", "below spell"}


def test_a_deleted_part_is_made_again_alone(plan_toys: Planner, inline: Any) -> None:
    ns = [1, 2, 3, 4]
    run(plan_toys(ns), inline)
    part = plan_toys(ns)[1].tasks[1].part
    before = part.read_bytes()
    discard(part)
    assert run(plan_toys(ns), inline) == ["spell1"]
    assert part.read_bytes() == before


def test_another_file_under_the_same_name_is_another_input(
    tmp_path: Path, plan_toys: Planner
) -> None:
    nodes = [plan.node for plan in plan_toys([1])]
    rows = [{"video_id": f"v{i}", "n": 1, "uri": f"{i}.mp4"} for i in range(4)]

    def names() -> list[str]:
        source = Source(rows, Location.of(tmp_path))
        plans = make_plan(nodes, source, 2, Location.of(tmp_path / "run"))
        return [task.part.name for task in plans[0].tasks]

    before = names()
    assert names() == before
    (tmp_path / "3.mp4").write_bytes(b"new")
    assert names()[0] == before[0]
    assert names()[1] != before[1]


def test_force_discards_what_lies_below_too(plan_toys: Planner, inline: Any) -> None:
    run(plan_toys([1, 2]), inline)
    discard_parts(plan_toys([1, 2]), {"spell"})
    plans = plan_toys([1, 2])
    assert missing(plans) == {"admit": 0, "spell": 1, "count": 1}


def test_parts_are_named_by_what_goes_in(plan_toys: Planner) -> None:
    one, other = plan_toys([1, 2]), plan_toys([1, 3])
    assert re.fullmatch(r"part-00000-[0-9a-f]{8}\.parquet", one[0].tasks[0].part.name)
    for a, b in zip(one, other, strict=True):
        assert a.tasks[0].part.parent == b.tasks[0].part.parent
        assert a.tasks[0].part.name != b.tasks[0].part.name


def test_a_cause_is_named_once_however_many_ways_lead_to_it(tmp_path: Path) -> None:
    root = Location.of(tmp_path)

    def plan(turns_per_s: float) -> Sequence[NodePlan]:
        override = f"nodes.segment.config.turns_per_s={turns_per_s}"
        nodes = build_graph(load_config(STREAMO, [override]))
        return make_plan(nodes, Source([{"video_id": "v"}], root), 1, root)

    for before in plan(1):
        write_recipe(before.tasks[0].part.parent, before.node.recipe)
    causes = {p.node.name: p.cause for p in plan(2)}
    assert causes["segment"] == "config.turns_per_s changed"
    assert (
        causes["narrate"] == causes["write_corpus"] == "below segment (config.turns_per_s changed)"
    )
