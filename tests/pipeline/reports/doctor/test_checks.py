"""The checks of a whole run, on nodes and engines that are out of the ordinary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.engines.base import EngineConfig
from pipeline.media.scenes.render import render_scenes
from pipeline.records import Dialogue
from pipeline.reports.doctor.asking import by_engine
from pipeline.reports.doctor.checks import Options, check_engine, run_checks
from pipeline.reports.doctor.findings import Finding
from pipeline.store.location import Location
from pipeline.workflow.config import RunConfig, load_config
from pipeline.workflow.graph import Node, build_graph
from pipeline.workflow.prompt import Prompt
from tests.conftest import RenderOnce

DEMO = Path(__file__).resolve().parents[4] / "configs" / "demo.yaml"


@pytest.fixture
def settings(tmp_path: Path, render_once: RenderOnce) -> Iterator[RunConfig]:
    with render_once():
        manifest = render_scenes(tmp_path, ("scene-14",))
        yield load_config(DEMO, ["source.kind=manifest", f"source.path={manifest}"])


def levels(settings: RunConfig, nodes: Sequence[Node], tmp_path: Path) -> dict[str, Finding]:
    root = Location.of(tmp_path / "run")
    found = list(run_checks(settings, nodes, root, Options(probe=False)))
    assert all(isinstance(finding, Finding) for finding in found)
    odd = [f for f in found if isinstance(f, Finding) and f.level != "ok"]
    return {finding.check: finding for finding in odd}


def test_what_cannot_be_tried_is_a_finding(settings: RunConfig, tmp_path: Path) -> None:
    nodes = [
        replace(node, stage=replace(node.stage, reads=(Dialogue,)))
        if node.name == "verify"
        else replace(node, prompts={"query": Prompt("query", "{{ caption }} {{ colour }}")})
        if node.name == "query"
        else node
        for node in build_graph(settings)
    ]
    odd = levels(settings, nodes, tmp_path)
    assert set(odd) == {"asks of verify", "asks of query"}
    assert odd["asks of verify"].level == "warning" and "Dialogue" in odd["asks of verify"].text
    assert odd["asks of query"].level == "failure" and "colour" in odd["asks of query"].text


def test_a_run_whose_videos_give_no_frames(settings: RunConfig, tmp_path: Path) -> None:
    nodes = build_graph(load_config(DEMO, ["nodes.segment.config.timeout_s=0.0001"]))
    odd = levels(settings, nodes, tmp_path)
    assert odd["frames"].level == "failure" and "scene-14" in odd["frames"].text


def test_roles_that_are_alike_share_an_engine(settings: RunConfig) -> None:
    nodes = build_graph(settings)
    ((config, asking),) = by_engine(nodes)
    assert config == settings.engines["captioner"]
    assert asking == [node for node in nodes if node.engine]
    other = EngineConfig(kind="other", model="x", revision="1")
    mixed = [replace(n, engine=other) if n.name == "verify" else n for n in nodes]
    assert [len(asking) for _, asking in by_engine(mixed)] == [len(asking) - 1, 1]


def test_an_engine_that_nothing_is_known_of_is_not_called_well() -> None:
    other = EngineConfig(kind="other", model="x", revision="1")
    unpinned, found = check_engine("engines.x", other, None, b"")
    assert unpinned.level == "warning" and "revision 1 is no commit" in unpinned.text
    assert found.level == "warning" and "other" in found.text
