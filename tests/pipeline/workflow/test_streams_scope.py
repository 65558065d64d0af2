"""Stages that make streams of the videos of all shards, in new shards, with toys: three videos a
shard of the manifest, streams of two, four clips a new shard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pipeline.errors import ConfigError
from pipeline.execution.runner import discard_parts, execute, missing_tasks
from pipeline.records import Reject, Video
from pipeline.records.schema import from_table
from pipeline.store.part_names import files_path, rejects_path
from pipeline.store.parts import discard, read_counts, read_table
from pipeline.workflow.node_tasks import STREAMS_FROM
from pipeline.workflow.plan import NodePlan, planned_again
from tests.pipeline.workflow.test_plan import missing, run

Planner = Callable[..., Sequence[NodePlan]]
S = STREAMS_FROM


def of(plans: Sequence[NodePlan], name: str) -> NodePlan:
    return next(plan for plan in planned_again(plans) if plan.node.name == name)


def streams(plans: Sequence[NodePlan]) -> dict[int, list[str]]:
    return {
        shard - S: [row.video_id for row in from_table(Video, read_table(part, Video.model_fields))]
        for shard, part in of(plans, "chain").parts.items()
    }


def test_streams_fill_new_shards_and_every_clip_is_accounted_for(
    plan_toys: Planner, inline: Any
) -> None:
    plans = plan_toys([1] * 7, chain={})
    assert missing(plans) == {"admit": 3, "chain": 1, "length": 2, "all": 1}
    assert list(of(plans, "chain").shards) == list(of(plans, "length").shards) == [S, S + 1]
    made = run(plans, inline)
    lengths = [f"length{S}", f"length{S + 1}"]
    assert sorted(made) == ["admit0", "admit1", "admit2", "all0", f"chain{S}", *lengths]
    assert streams(plans) == {0: ["v0+v1", "v2+v3"], 1: ["v4+v5"]}
    counts = [read_counts(part) for part in of(plans, "chain").parts.values()]
    assert [each["videos_in"] for each in counts] == [4, 3]
    assert [each["videos_absent"] for each in counts] == [0, 1]
    rejects = rejects_path(of(plans, "chain").parts[S + 1])
    assert [r.video_id for r in from_table(Reject, read_table(rejects, Reject.model_fields))] == [
        "v6"
    ]
    assert run(plan_toys([1] * 7, chain={}), inline) == []


def test_a_grown_manifest_costs_the_new_shards_that_change(plan_toys: Planner, inline: Any) -> None:
    run(plan_toys([1] * 7, chain={}), inline)
    plans = plan_toys([1] * 9, chain={})
    assert missing(plans) == {"admit": 1, "chain": 1, "length": 3, "all": 1}
    assert of(plans, "length").waiting == 3
    made = run(plans, inline)
    assert sorted(made) == ["admit2", "all0", f"chain{S}", f"length{S + 1}", f"length{S + 2}"]
    assert streams(plans) == {0: ["v0+v1", "v2+v3"], 1: ["v4+v5", "v6+v7"], 2: []}


def test_a_part_that_is_missing_costs_one_task_and_nothing_below(
    plan_toys: Planner, inline: Any
) -> None:
    plans = plan_toys([1] * 7, chain={})
    run(plans, inline)
    discard(of(plans, "chain").parts[S + 1])
    again = planned_again(plans)
    assert missing(again) == {"admit": 0, "chain": 1, "length": 2, "all": 1}
    assert run(again, inline) == [f"chain{S}"]


def test_who_reads_new_shards_alone_says_who_is_to_run_first(
    plan_toys: Planner, inline: Any
) -> None:
    plans = plan_toys([1] * 7, chain={})
    with pytest.raises(
        ConfigError, match=rf"length reads chain, .* for shard {S}: run chain first"
    ):
        missing_tasks(plans, {"length"})
    run(plans, inline)
    assert missing(discard_parts(planned_again(plans), {"chain"}))["chain"] == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("lost", "neither in a stream nor turned down: ['v6']"),
        ("twice", "v6+v0: has no clips, or one of another stream"),
        ("strange", "not of the shards it reads: ['stranger']"),
        ("crowd", "chain: more clips than 2 shards can hold"),
        ("both", "both in a stream and turned down: ['v0', 'v1', 'v2', 'v3', 'v4']"),
    ],
)
def test_a_stage_that_loses_a_clip_or_takes_it_twice_makes_nothing(
    fault: str, error: str, plan_toys: Planner, inline: Any
) -> None:
    plans = plan_toys([1] * 7, chain={"fault": fault})
    root = plans[0].listing.folder.parent.parent.parent
    tasks = missing_tasks(plans, {p.node.name for p in plans})
    results = {r.node: r for r in execute(plans, tasks, inline, root)}
    assert error in str(results["chain"].error)
    assert results["length"].blocked and not of(plans, "chain").parts


def test_a_node_may_read_streams_of_several_nodes(plan_toys: Planner, inline: Any) -> None:
    beside = {
        "triples": {"stage": "chain", "after": ["admit"], "config": {"clips": 3}},
        "length": {"stage": "length", "after": ["chain", "triples"]},
        "count": {"stage": "count", "after": ["spell"]},
        "spell": {"stage": "spell", "after": ["admit"]},
    }
    plans = plan_toys([1] * 4, chain={}, beside=beside)
    assert list(of(plans, "length").shards) == [S, S + 1, 2 * S, 2 * S + 1]
    run(plans, inline)
    text = files_path(of(plans, "all").parts[0]) / "all.txt"
    assert text.read_bytes().decode() == "v0+v1 1, v2+v3 1, v0+v1+v2 1"
    made = run(plan_toys([1] * 8, chain={}, beside=beside), inline)
    assert f"length{2 * S}" in made and f"length{S}" not in made


def test_a_node_that_lacks_rows_of_some_of_its_videos_is_refused(plan_toys: Planner) -> None:
    beside = {
        "triples": {"stage": "chain", "after": ["admit"], "config": {"clips": 3}},
        "pair": {"stage": "pair", "after": ["chain", "triples", "length"]},
    }
    with pytest.raises(
        ConfigError, match="videos of chain and triples, but no Length of those of tr"
    ):
        plan_toys([1], chain={}, beside=beside)


def test_streams_of_streams_are_refused(plan_toys: Planner) -> None:
    beside = {"more": {"stage": "rechain", "after": ["chain"]}}
    with pytest.raises(ConfigError, match="not supported: streams of streams"):
        plan_toys([1], chain={}, beside=beside)
