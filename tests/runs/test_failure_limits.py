"""A run whose model fails most of what it is asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline.run import main
from tests.runs.answering_server import Server, serving
from tests.runs.asking import write_asking
from tests.runs.test_http_run import rows_of

pytestmark = pytest.mark.faults

VIDEOS = ("--limit", "6")


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


def most(name: str) -> bool:
    return int(name, 16) % 3 > 0


def test_it_stops_early_and_goes_on_where_it_was(
    write_config: Callable[..., Path],
    server: Server,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    limits = {"unanswered": 0.4, "after": 5}
    config = write_asking(write_config, "poor", server, narrate={"limits": limits})
    command = ["run", "-c", str(config), *VIDEOS]
    server.fails = most
    assert main(command) == 1
    error = capsys.readouterr().err
    assert "\nerror: stopped: narrate: " in error
    assert "more than nodes.narrate.limits.unanswered = 0.4 (server_error " in error
    assert ": server_error: status 500: out of memory" in error
    assert "rejects --node narrate, doctor" in error
    assert "retry --reason server_error" in error
    assert not (tmp_path / "poor" / "corpus").exists()

    server.fails = lambda name: False
    assert main(command) == 0
    assert main(["retry", *command[1:]]) == 0
    whole = write_asking(write_config, "whole", server)
    assert main(["run", "-c", str(whole), *VIDEOS]) == 0
    expected = rows_of(tmp_path / "whole")
    for name in ("README.md", "CHANGELOG.md", "run.json"):
        del expected[name]  # what a corpus tells of its own run
    assert rows_of(tmp_path / "poor").items() >= expected.items()


def test_what_policies_refuse_by_design_stops_nothing(
    write_config: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    """Here no narration is long enough: as many videos are refused as there are."""
    strict = {"limits": {"after": 1}, "config": {"min_lines": 20}}
    config = write_config("strict", nodes={"polish": strict})
    assert main(["run", "-c", str(config), "--limit", "2", "--until", "polish"]) == 0
    capsys.readouterr()
    assert main(["status", "-c", str(config), "--limit", "2", "--json"]) == 0
    status = {node["node"]: node for node in json.loads(capsys.readouterr().out)["nodes"]}
    polished = status["polish"]
    assert polished["videos_rejected"] == polished["videos_in"] == 2
    assert set(polished["rejected"]) == {"too_few_lines"}


def test_a_model_that_answers_nothing_stops_a_pilot(
    write_config: Callable[..., Path],
    server: Server,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says something each time, and nothing that was asked for."""
    monkeypatch.setattr(server, "answer", lambda body: "I cannot tell.")
    config = write_asking(write_config, "empty", server)
    assert main(["run", "-c", str(config), "--limit", "4", "--until", "narrate"]) == 1
    error = capsys.readouterr().err
    assert "stopped: narrate: 100% of " in error and "limits.unanswered = 0.5" in error


def test_a_limit_is_checked_before_anything_runs(
    write_config: Callable[..., Path], server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_asking(write_config, "poor", server, narrate={"limits": {"unanswerd": 0.4}})
    assert main(["run", "-c", str(config)]) == 2
    assert "nodes.narrate.limits.unanswerd: unknown key; did you mean" in capsys.readouterr().err
