from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pipeline.execution.runner import discard_parts, execute, missing_tasks
from pipeline.store.location import Location
from pipeline.store.part_names import slot_of
from pipeline.store.parts import discard, read_counts, write_part
from pipeline.store.recipe_file import write_recipe
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph
from pipeline.workflow.plan import NodePlan, make_plan
from pipeline.workflow.source import Source
from tests.pipeline import toys
from tests.pipeline.conftest import part_of

STREAMO = Path(__file__).resolve().parents[3] / "configs" / "streamo.yaml"

Planner = Callable[..., Sequence[NodePlan]]


def run(plans: Sequence[NodePlan], executor: Any) -> list[str]:
    root = plans[0].listing.folder.parent.parent.parent
    results = list(
        execute(plans, missing_tasks(plans, {p.node.name for p in plans}), executor, root)
    )
    assert not [r.error for r in results if r.error]
    return [f"{r.node}{r.shard}" for r in results if not r.unchanged]


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
    part = part_of(plan_toys(ns), 1, 1)
    before = part.read_bytes()
    discard(part)
    plans = plan_toys(ns)
    assert missing(plans) == {"admit": 0, "spell": 1, "count": 1}
    assert [plan.waiting for plan in plans] == [0, 0, 1]
    assert run(plans, inline) == ["spell1"], "its rows came out as they were"
    assert part.read_bytes() == before


def test_another_file_under_the_same_name_is_another_input(
    tmp_path: Path, plan_toys: Planner
) -> None:
    nodes = [plan.node for plan in plan_toys([1])]
    rows = [{"video_id": f"v{i}", "n": 1, "uri": f"{i}.mp4"} for i in range(4)]

    def names() -> list[str]:
        source = Source(rows, Location.of(tmp_path))
        plans = make_plan(nodes, source, 2, Location.of(tmp_path / "run"))
        return [slot.name for slot in plans[0].slots.values()]

    before = names()
    assert names() == before
    (tmp_path / "3.mp4").write_bytes(b"new")
    assert names()[0] == before[0]
    assert names()[1] != before[1]


def test_force_discards_the_chosen_and_what_lies_below_follows(
    plan_toys: Planner, inline: Any
) -> None:
    run(plan_toys([1, 2]), inline)
    plans = discard_parts(plan_toys([1, 2]), {"spell"})
    assert missing(plans) == {"admit": 0, "spell": 1, "count": 1}
    assert [plan.fresh for plan in plans] == [False, True, False]
    assert run(plans, inline) == ["spell0"]


def test_what_comes_out_unchanged_costs_nothing_below(plan_toys: Planner, inline: Any) -> None:
    run(plan_toys([1, 2, 3, 9]), inline)
    # Another recipe of the node at the top, by which no row changes.
    plans = plan_toys([1, 2, 3, 9], admit={"most": 99})
    assert missing(plans) == {"admit": 2, "spell": 2, "count": 1}
    assert plans[2].cause == "below admit (config.most changed)"
    assert sorted(run(plans, inline)) == ["admit0", "admit1"]
    assert missing(plan_toys([1, 2, 3, 9], admit={"most": 99})) == dict.fromkeys(
        ("admit", "spell", "count"), 0
    )
    # One by which those of one shard do.
    plans = plan_toys([1, 2, 3, 9], admit={"most": 5})
    assert sorted(run(plans, inline)) == ["admit0", "admit1", "count0", "spell1"]


def test_what_was_made_of_other_rows_is_stale_and_healed(plan_toys: Planner, inline: Any) -> None:
    """Someone removes a part and it is made anew with other rows, as by a model that varies."""
    ns = [1, 2, 3, 4]
    run(plan_toys(ns), inline)
    plans = plan_toys(ns)
    part = plans[1].parts[0]
    discard(part)
    rows = [toys.Letter(video_id=f"v{i}", letter="other") for i in range(3)]
    write_part(slot_of(part), toys.Letter, rows, [], read_counts(plans[1].parts[1]))
    plans = plan_toys(ns)
    assert missing(plans) == {"admit": 0, "spell": 0, "count": 1}
    assert plans[2].cause == "what it reads changed"
    assert run(plans, inline) == ["count0"]
    assert missing(plan_toys(ns)) == {"admit": 0, "spell": 0, "count": 0}


def test_parts_are_named_by_what_goes_in(plan_toys: Planner) -> None:
    one, other = plan_toys([1, 2]), plan_toys([1, 3])
    assert re.fullmatch(r"part-00000-[0-9a-f]{16}", one[0].slots[0].name)
    assert one[0].slots[0].parent == other[0].slots[0].parent
    assert one[0].slots[0].name != other[0].slots[0].name
    assert not one[1].slots, "known when what it reads is there"


def test_a_cause_is_named_once_however_many_ways_lead_to_it(tmp_path: Path) -> None:
    root = Location.of(tmp_path)

    def plan(turns_per_s: float) -> Sequence[NodePlan]:
        override = f"nodes.segment.config.turns_per_s={turns_per_s}"
        nodes = build_graph(load_config(STREAMO, [override]))
        return make_plan(nodes, Source([{"video_id": "v"}], root), 1, root)

    for before in plan(1):
        write_recipe(before.listing.folder, before.node.recipe)
    causes = {p.node.name: p.cause for p in plan(2)}
    assert causes["segment"] == "config.turns_per_s changed"
    assert (
        causes["narrate"] == causes["write_corpus"] == "below segment (config.turns_per_s changed)"
    )
