"""Which machine an engine goes to: the one that it fills best, among those with its labels."""

from __future__ import annotations

import pytest

from pipeline.engines.placement import GIB, Placement, matches
from pipeline.engines.vllm.config import VllmConfig
from pipeline.execution.executors.machine_sizes import Node, Size, best_fit, free_nodes


def node(name: str, gpus: float, cpus: float = 8, **labels: str) -> Node:
    return Node(name, {"GPU": gpus, "CPU": cpus, "memory": 64.0 * GIB}, labels)


def engine(**given: object) -> VllmConfig:
    return VllmConfig.model_validate({"kind": "vllm", "model": "m", "revision": "r", **given})


def group(state: str, *placed: tuple[str, dict[str, float]]) -> dict[str, object]:
    """As the table of Ray has it."""
    return {
        "state": state,
        "bundles": {i: bundle for i, (_, bundle) in enumerate(placed)},
        "bundles_to_node_id": {i: where for i, (where, _) in enumerate(placed)},
    }


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("spot", True), ("!spot", False), ("in(a, spot)", True), ("!in(a,b)", True), ("a", False)],
)
def test_labels_match_as_ray_reads_them(wanted: str, found: bool) -> None:
    assert matches({"market": "spot"}, {"market": wanted}) == found
    assert matches({}, {"market": wanted}) == wanted.startswith("!"), "it has no value of it"


@pytest.mark.parametrize("wanted", ["", "!", "in()", "in(a", "a,b)"])
def test_a_selector_that_is_none_is_refused(wanted: str) -> None:
    with pytest.raises(ValueError, match="none of value, !value"):
        Placement(label_selector={"market": wanted})


def test_small_engines_share_the_fullest_machine_and_leave_one_whole() -> None:
    four, eight = Size(0, 4), Size(0, 8)
    nodes = [node("a", 8), node("b", 8)]
    first = best_fit(four, nodes)
    assert first == "a"
    coming = free_nodes(nodes, [], [("a", four)])
    assert best_fit(four, coming) == "a", "also where the cluster has not placed the first yet"
    placed = free_nodes(nodes, [group("CREATED", ("a", {"GPU": 4}))], [("a", four)])
    assert best_fit(eight, placed) == "b"
    assert best_fit(Size(0, 9), placed) is None
    gone = free_nodes(nodes, [group("REMOVED", ("a", {"GPU": 8}))], [])
    assert best_fit(eight, gone) == "a", "what was given back is free"


def test_memory_cpus_and_labels_are_kept_like_gpus() -> None:
    placement = {"cpus": 4, "memory_gib": 48, "label_selector": {"market": "on-demand"}}
    size = Size.of_engine(engine(tensor_parallel=2, placement=placement))
    assert size.bundles == [{"CPU": 4.0, "GPU": 2, "memory": 48.0 * GIB}]
    right = node("c", 8, market="on-demand")
    assert best_fit(size, [node("a", 8, market="spot"), node("b", 8), right]) == "c"
    assert best_fit(size, [node("c", 8, cpus=3, market="on-demand")]) is None
    full = free_nodes([right], [group("CREATED", ("c", dict(size.amounts)))], [])
    assert best_fit(size, full) is None, "48 of 64 GiB are taken"
    assert right.places(size) == 1


def test_across_machines_there_is_a_bundle_for_each_gpu() -> None:
    wide = engine(
        tensor_parallel=4, pipeline_parallel=2, placement={"across_machines": True, "cpus": 2}
    )
    size = Size.of_engine(wide)
    assert size.bundles == [{"CPU": 2.0, "GPU": 1}, *[{"GPU": 1}] * 7]
    assert sum(machine.places(size) for machine in (node("a", 4), node("b", 4))) == 1
    assert Size.of_engine(engine(tensor_parallel=4)).bundles == [{"GPU": 4}]
    assert Size.of_engine(engine(device="cpu")).bundles == [], "nothing to keep"
