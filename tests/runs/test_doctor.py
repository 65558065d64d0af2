"""``doctor`` through the command line: its report on whole runs, and its exit status."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from pipeline.reports.doctor import checks
from pipeline.reports.doctor.findings import NodeReport
from pipeline.reports.doctor.probe import probe_node
from pipeline.run import main
from pipeline.workflow.config import Role
from pipeline.workflow.graph import Node
from tests.conftest import RenderOnce
from tests.pipeline.reports.doctor.model_server import ModelServer

DEMO = Path(__file__).resolve().parents[2] / "configs" / "demo.yaml"
KEY = "sk-nobody-may-see-this"
ROLES = sorted({*get_args(Role)} - {"embedder", "student"})
"""Those that the demo asks."""

Doctor = Callable[..., tuple[int, Any]]


@pytest.fixture
def doctor(capsys: pytest.CaptureFixture[str], render_once: RenderOnce) -> Doctor:
    """``doctor(config, …)``: the exit status, and its report."""

    def call(config: Path, *options: str) -> tuple[int, Any]:
        with render_once():
            status = main(["doctor", "-c", str(config), "--json", *options])
        output = capsys.readouterr()
        assert KEY not in output.out + output.err
        return status, json.loads(output.out)

    return call


@pytest.fixture
def server() -> Iterator[ModelServer]:
    server = ModelServer(entry={"max_model_len": 65_536}, key=KEY)
    yield server
    server.stop()


def levels(report: Any, check: str) -> list[str]:
    return [found["level"] for found in report["findings"] if found["check"].startswith(check)]


@pytest.fixture
def served(
    write_config: Callable[..., Path], server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A run whose roles ask the server."""
    monkeypatch.setenv("DOCTOR_KEY", KEY)
    engine = {
        "kind": "http", "model": "m", "revision": "5" * 40, "base_url": server.base_url,
        "api_key_env": "DOCTOR_KEY",
    }  # fmt: skip
    return write_config("served", extends=DEMO, engines=dict.fromkeys(ROLES, engine))


@pytest.fixture(scope="module")
def reports() -> dict[str, NodeReport]:
    """Those of the nodes of the demo, from the first test that probes them."""
    return {}


@pytest.fixture
def probed_once(reports: dict[str, NodeReport], monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo is probed once; that report is then held against other limits."""

    def probe(node: Node, *others: Any) -> NodeReport:
        if node.name not in reports:
            reports[node.name] = probe_node(node, *others)
        return reports[node.name]

    monkeypatch.setattr(checks, "probe_node", probe)


@pytest.mark.slow
@pytest.mark.usefixtures("probed_once")
def test_the_demo_is_well(
    doctor: Doctor, write_config: Callable[..., Path], tmp_path: Path
) -> None:
    status, report = doctor(write_config("demo", extends=DEMO))
    assert status == 0
    assert {found["level"] for found in report["findings"]} == {"ok"}
    for check in ("ffmpeg", "store", "manifest", "space", "decoder auto", "engines."):
        assert levels(report, check) == ["ok"], check
    nodes = {figures["node"]: figures for figures in report["probe"]}
    assert len(nodes) == 12
    assert all(figures["obeyed"] == figures["replies"] > 0 for figures in nodes.values())
    for name in ("caption", "ground"):
        assert abs(nodes[name]["start_bias_s"]) < 0.6 and abs(nodes[name]["end_bias_s"]) < 0.6
    assert not (tmp_path / "demo").exists(), "it leaves nothing in the store"


def test_people_read_a_line_a_check(
    write_config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config("demo", extends=DEMO)
    assert main(["doctor", "-c", str(config), "--no-probe"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "0 failures, 0 warnings"
    assert all(line.startswith("ok ") for line in lines[:-1])


@pytest.mark.slow
def test_a_served_model_is_checked_and_asked(
    doctor: Doctor, served: Path, server: ModelServer
) -> None:
    status, report = doctor(served)
    assert levels(report, "engines.") == ["ok", "ok", "warning", "ok"]
    texts = [found["text"] for found in report["findings"]]
    assert any("takes 65536 tokens; the longest ask is about" in text for text in texts)
    assert all(figures["obeyed"] == figures["replies"] > 0 for figures in report["probe"])
    # Its answers have the right shape and nothing to do with the pictures.
    assert "warning" in levels(report, "probe ground")
    assert status == (1 if "failure" in levels(report, "") else 0)
    assert len(server.asked) == 1 + sum(figures["asks"] for figures in report["probe"])


def test_an_engine_that_fails_is_not_asked(
    doctor: Doctor, served: Path, server: ModelServer
) -> None:
    status, report = doctor(served, *(f"--set=engines.{role}.model=n" for role in ROLES))
    assert status == 1
    assert levels(report, "engines.") == ["failure"]
    assert levels(report, "probe") == ["warning"] and report["probe"] == []
    assert server.asked == []


@pytest.mark.usefixtures("probed_once")
def test_each_limit_is_an_option(doctor: Doctor, write_config: Callable[..., Path]) -> None:
    config = write_config("demo", extends=DEMO)
    strict = ("--bias-warning=0", "--bias-failure=0.001", "--found-warning=1")
    status, report = doctor(config, *strict)
    assert status == 1
    assert levels(report, "probe caption") == ["failure"]
    assert levels(report, "probe verify") == ["warning"]
    assert report["thresholds"]["bias_failure_s"] == 0.001


def test_a_run_without_videos(
    doctor: Doctor, write_config: Callable[..., Path], tmp_path: Path
) -> None:
    config = write_config("none", source={"kind": "manifest", "path": str(tmp_path / "none.jsonl")})
    status, report = doctor(config, "--no-probe")
    assert (status, levels(report, "manifest")) == (1, ["failure"])
    assert levels(report, "engines.") == ["ok"], "the other checks go on"
    assert levels(report, "space") == ["warning"]


def test_nothing_is_called_well_without_ffmpeg(
    doctor: Doctor,
    write_config: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    status, report = doctor(write_config("demo"))
    assert status == 1
    assert levels(report, "ff") == ["failure"]
    assert levels(report, "the rest") == ["warning"] and report["probe"] == []


def test_a_wrong_config_is_wrong_usage(write_config: Callable[..., Path]) -> None:
    assert main(["doctor", "-c", str(write_config("demo")), "--set", "nodes.ground=1"]) == 2
