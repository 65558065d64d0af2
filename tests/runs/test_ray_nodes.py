"""Runs on a Ray cluster of several nodes that come and go: the same rows as on one machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.util.placement_group import placement_group_table

from pipeline.run import main
from pipeline.workflow.config import load_config
from tests.runs.ray_nodes import Nodes, ray_nodes, wait_for
from tests.runs.test_http_run import KEY, ROLES, asking_config, base_url, rows_of
from tests.runs.test_parity import results

__all__ = ["asking_config", "base_url"]

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = Path(__file__).with_name("stand_in")

pytestmark = [pytest.mark.ray, pytest.mark.faults]

ENGINES = ["embedded", "http"] if "TURNWISE_CHAOS_KILLS" in os.environ else ["embedded"]
"""Where an engine comes to live is up to Ray: on the head, now and then, which cannot be lost."""

TRIES = 5

MOST_HALF_WRITTEN = 8
"""A file for each task that was under way on the nodes that were lost, four in the engine."""

START = "import sys; from pipeline.run import main; sys.exit(main(sys.argv[1:]))"
ONE_A_SHARD = ("--set", "run.videos_per_shard=1", "--set", "corpus.shards_per_group=1")
CLUSTER = "pipeline.execution.executors.ray_cluster"
SOON = f"import {CLUSTER} as c; c.REFRESH_S, c.GONE_AFTER_S = 0.5, 3;"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TURNWISE_TEST_KEY", KEY)  # an engine may come to live on the head
        with ray_nodes() as (nodes, _):
            yield nodes


class Run:
    """``run`` in a process of its own."""

    def __init__(self, config: Path, *more: str, ray: Nodes | None = None, code: str = "") -> None:
        executor = ["--executor", "ray" if ray else "local"]
        command = [sys.executable, "-c", code + START, "run", "-c", str(config), "--limit", "2"]
        environment = {**os.environ, "RAY_ADDRESS": ray.address} if ray else dict(os.environ)
        self._process = subprocess.Popen(
            [*command, *executor, *more], cwd=ROOT, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def give_up(self) -> str:
        """Kill it; what it printed."""
        self._process.kill()
        return "".join(self._process.communicate())[-8000:]

    def end(self, status: int = 0) -> str:
        """Wait for its end with that status; its standard error."""
        out, err = self._process.communicate()
        assert self._process.returncode == status, f"{out[-3000:]}\n{err[-5000:]}"
        return err


@pytest.mark.parametrize("engine", ENGINES)
def test_nodes_lost_and_added_in_mid_run_do_not_show(
    nodes: Nodes,
    engine: str,
    write_config: Callable[..., Path],
    finished_config: Callable[..., Path],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    config = write_config if engine == "embedded" else request.getfixturevalue("asking_config")
    rows: Callable[[Path], dict[str, str]] = results if engine == "embedded" else rows_of
    # What is under way on the node that is to be lost.
    sought = "" if engine == "embedded" else "_EngineProcess.run"
    first = [nodes.add(num_cpus=1), nodes.add(num_cpus=1)]

    def busy(candidates: list[Any]) -> Any:
        return next((n for n in candidates if any(sought in t for t in nodes.running(n))), None)

    for number in range(TRIES):
        name = f"nodes-{number}"
        run = Run(config(name), *ONE_A_SHARD, ray=nodes)
        try:
            lost = wait_for(lambda: busy(first), run.is_alive)
            break
        except AssertionError:
            run.end()
    else:
        pytest.fail("the engine always came to live on the head")
    nodes.kill(lost)
    (left,) = [node for node in first if node is not lost]
    wait_for(lambda: nodes.running(left), run.is_alive)
    nodes.kill(left)
    added = nodes.add(num_cpus=1)  # all that is not done yet is done there
    run.end()
    nodes.kill(added)
    if engine == "embedded":
        finished_config("alone")
    else:
        assert main(["run", "-c", str(config("alone")), "--limit", "2", *ONE_A_SHARD]) == 0
    found = rows(tmp_path / name)
    whole = {name: digest for name, digest in found.items() if "/." not in name}
    assert whole == rows(tmp_path / "alone")
    # What a process was writing when it was killed stays, under names that nobody reads.
    assert len(found) - len(whole) <= MOST_HALF_WRITTEN
    assert not list(tmp_path.glob(f"{name}/alive/*"))


def groups(*sizes: int) -> Callable[[], list[Any]]:
    """The placement groups that Ray has placed, once they are of just so many GPUs each."""

    def placed() -> list[Any]:
        table = placement_group_table().values()
        found = sorted(
            (group for group in table if group["state"] == "CREATED"),
            key=lambda group: group["bundles"][0]["GPU"],
        )
        return found if [sum(g["bundles"][0].values()) for g in found] == list(sizes) else []

    return placed


def machine_of(group: Any) -> str:
    (machine,) = group["bundles_to_node_id"].values()
    return str(machine)


def test_engines_are_packed_follow_their_labels_and_come_and_go_with_machines(
    nodes: Nodes,
    write_config: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Two engines of 4 GPUs beside one of 8, which would have no whole machine if they were spread;
    a third of 4 where a machine joins; two lost with theirs. Decoding keeps to machines of its own.
    """
    held = tmp_path / "held"
    held.touch()
    monkeypatch.setenv("PYTHONPATH", str(STAND_IN))
    monkeypatch.setenv("TURNWISE_TEST_HELD", str(held))
    small = {
        "kind": "vllm", "model": "small", "revision": "r", "tensor_parallel": 4, "shards": 1,
        "replicas": "auto", "min_replicas": 2, "max_replicas": 3,
        "placement": {"label_selector": {"market": "on-demand"}},
    }  # fmt: skip
    large = {**small, "model": "large", "tensor_parallel": 8, "replicas": 1, "shards": 8}
    decoding = {"execution": {"memory_gib": 0.1, "label_selector": {"market": "spot"}}}
    config = write_config(
        "placed",
        engines=dict.fromkeys(ROLES, small) | {"narrator": large, "editor": large},
        nodes={"ingest": decoding, "segment": decoding},
    )

    def add(cpus: int, gpus: int, market: str) -> Any:
        return nodes.add(num_cpus=cpus, num_gpus=gpus, labels={"market": market})

    machines = {node.node_id: node for node in (add(1, 8, "on-demand"), add(1, 8, "on-demand"))}
    run = Run(config, *ONE_A_SHARD, ray=nodes, code=SOON)
    ray.init(nodes.address, log_to_driver=False)
    try:
        wait_for(lambda: list(tmp_path.glob("placed/parts/ingest/*")), run.is_alive)
        decoder = add(2, 0, "spot")
        four, other, eight = wait_for(groups(4, 4, 8), run.is_alive)
        assert {group["strategy"] for group in (four, other, eight)} == {"STRICT_PACK"}
        assert machine_of(four) == machine_of(other), "the fullest machine with space"
        assert {machine_of(four), machine_of(eight)} == set(machines)
        joined = add(1, 4, "on-demand")
        found = wait_for(groups(4, 4, 4, 8), run.is_alive)
        assert joined.node_id in map(machine_of, found)
        nodes.kill(machines[machine_of(four)])
        left = wait_for(groups(4, 8), run.is_alive)
        assert [*map(machine_of, left)] == [joined.node_id, machine_of(eight)]
    except AssertionError as error:
        raise AssertionError(f"{error}\n{run.give_up()}") from error
    finally:
        ray.shutdown()
    held.unlink()
    said = run.end()
    assert "ingest needs 1 CPUs and 0 GPUs and 0.1 GiB, market=spot; no machine" in said
    for node in (decoder, joined, machines[machine_of(eight)]):
        nodes.kill(node)
    roles = {node.engine for node in load_config(config).nodes.values() if node.engine}
    on_cpu = [w for role in sorted(roles) for w in ("--set", f"engines.{role}.device=cpu")]
    alone = ["--set", f"run.root={tmp_path / 'alone'}", *ONE_A_SHARD, *on_cpu]
    Run(config, *alone).end()
    found_rows = results(tmp_path / "placed")
    whole = {name: digest for name, digest in found_rows.items() if "/." not in name}
    assert whole == results(tmp_path / "alone")


def test_two_runs_on_a_cluster_and_one_beside_it_do_not_show(
    nodes: Nodes,
    write_config: Callable[..., Path],
    finished_config: Callable[..., Path],
    tmp_path: Path,
) -> None:
    mine, other = (write_config(name) for name in ("mine", "other"))
    finished_config("alone")
    added = [nodes.add(num_cpus=1), nodes.add(num_cpus=1)]
    runs = [
        Run(config, *ONE_A_SHARD, ray=ray)
        for config, ray in ((mine, nodes), (mine, None), (other, nodes))
    ]
    for run in runs:
        run.end()
    for node in added:
        nodes.kill(node)
    assert results(tmp_path / "mine") == results(tmp_path / "other") == results(tmp_path / "alone")
    assert not list(tmp_path.rglob(".*")), "nothing half-written stays"
    assert not list(tmp_path.glob("*/alive/*"))


def test_a_run_whose_head_is_lost_ends_with_one_line_and_the_next_completes_it(
    write_config: Callable[..., Path], tmp_path: Path
) -> None:
    config = write_config("run")
    with ray_nodes(1) as (nodes, (node,)):
        run = Run(config, *ONE_A_SHARD, ray=nodes, code=SOON)
        wait_for(lambda: list(tmp_path.glob("run/parts/ingest/*/part-*")), run.is_alive)
        wait_for(lambda: nodes.running(node), run.is_alive)
        nodes.kill_head()
        error = run.end(1)
    (line,) = [line for line in error.splitlines() if line.startswith("error: ")]
    assert "the head of the Ray cluster" in line and "run again" in line
    assert "Traceback" not in error
    Run(config, *ONE_A_SHARD).end()
    assert (tmp_path / "run/corpus/README.md").exists()
