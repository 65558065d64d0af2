"""Whole runs whose engines ask a server: the same rows whatever happens, and what they cost."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import pyarrow.parquet as pq
import pytest

from pipeline.run import main
from pipeline.workflow.config import Role
from tests.conftest import MadeOnce
from tests.runs.test_parity import digests

ROOT = Path(__file__).resolve().parents[2]
SERVER = Path(__file__).with_name("answering_server.py")
KEY = "sk-a-key-that-nobody-may-see"
ROLES = get_args(Role)
VIDEOS = ("--limit", "2", "--set", "run.videos_per_shard=1")

ASKING = {
    "narrate": "provenance",
    "caption": "provenance",
    "ground": "grounding",
    "rewrite": "rewriting",
}
"""Nodes, and the column with what is known of their own ask."""


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port_file = tmp_path_factory.mktemp("server") / "port"
    command = [sys.executable, str(SERVER), str(port_file), KEY]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    while not port_file.exists():
        assert process.poll() is None
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port_file.read_text()}/v1"
    process.terminate()
    process.communicate()


@pytest.fixture
def asking_config(
    write_config: Callable[..., Path], base_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """``asking_config(name)``: all roles ask the server, and share one process that does."""
    monkeypatch.setenv("TURNWISE_TEST_KEY", KEY)
    engine = {
        "kind": "http", "model": "m", "revision": "r", "base_url": base_url,
        "api_key_env": "TURNWISE_TEST_KEY", "shards": 4, "attempts": 2,
    }  # fmt: skip
    nodes = {name: {"config": {"policy": "event"}} for name in ("caption", "agree")}
    return lambda name: write_config(name, engines=dict.fromkeys(ROLES, engine), nodes=nodes)


@pytest.fixture
def answered_config(
    asking_config: Callable[[str], Path], made_once: MadeOnce, tmp_path: Path
) -> Callable[[str], Path]:
    """As ``asking_config``, and its root is that of a run which is done, on this machine."""

    def finish(root: Path) -> None:
        config = asking_config("answered")
        assert main(["run", "-c", str(config), *VIDEOS, "--set", f"run.root={root}"]) == 0

    def write(name: str) -> Path:
        shutil.copytree(made_once("answered run", finish), tmp_path / name)
        return asking_config(name)

    return write


def rows_of(root: Path) -> dict[str, str]:
    """Digests of all rows and files; of replies, which are measured, none.

    What was half-written when its process was killed has a name with a dot, and is for ``gc``.
    """
    parts = {name: digest for name, digest in digests(root / "parts").items() if "/." not in name}
    found = {name: digest for name, digest in parts.items() if "/replies-" not in name}
    assert len(found) < len(parts)
    return {**found, **digests(root / "corpus")}


def status_of(config: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    capsys.readouterr()
    assert main(["status", "-c", str(config), "--json", *VIDEOS]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.ray
def test_executors_do_not_show_costs_do_and_the_key_does_not(
    asking_config: Callable[[str], Path],
    answered_config: Callable[[str], Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    answered_config("local")
    config = asking_config("ray")
    assert main(["run", "-c", str(config), "--executor", "ray", *VIDEOS]) == 0
    assert rows_of(tmp_path / "local") == rows_of(tmp_path / "ray")
    out, err = capfd.readouterr()
    assert KEY not in out + err
    assert "cached" in out and "64%" in out
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


def test_replies_are_kept_and_summed(
    answered_config: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = answered_config("replies")
    nodes = {node["node"]: node for node in status_of(config, capsys)["nodes"]}
    for name, column in ASKING.items():
        node = nodes[name]
        tables = [pq.read_table(p) for p in tmp_path.glob(f"replies/parts/{name}/*/replies-*")]
        replies = [row for table in tables for row in table.to_pylist()]
        assert node["asks"] == node["replies"] == len(replies) > 0
        assert node["tokens_in"] == 100 * len(replies)
        assert node["tokens_cached"] == 64 * len(replies)
        assert node["latency_s"] == pytest.approx(sum(r["latency_s"] for r in replies), abs=1e-2)
        assert all(r["latency_s"] >= 0.02 and r["text"] and not r["error"] for r in replies)
        parts = [pq.read_table(p) for p in tmp_path.glob(f"replies/parts/{name}/*/part-*")]
        asked = {row[column]["request_id"] for part in parts for row in part.to_pylist()} - {""}
        assert asked and asked <= {r["request_id"] for r in replies}
    assert nodes["segment"]["replies"] == 0
    assert not list(tmp_path.glob("replies/parts/segment/*/replies-*"))


def test_processes_killed_under_a_run_cost_it_nothing_but_time(
    asking_config: Callable[[str], Path], answered_config: Callable[[str], Path], tmp_path: Path
) -> None:
    answered_config("whole")
    config = asking_config("killed")
    command = [sys.executable, "pipeline/run.py", "run", "-c", str(config), *VIDEOS]
    run = subprocess.Popen(command, cwd=ROOT)
    # Two that take any task, and the one that asks.
    while not list(tmp_path.glob("killed/parts/segment/*/part-*")) or len(workers(run.pid)) < 3:
        assert run.poll() is None
        time.sleep(0.02)
    for pid in workers(run.pid):
        os.kill(pid, signal.SIGKILL)
    assert run.wait() == 0
    assert rows_of(tmp_path / "killed") == rows_of(tmp_path / "whole")


def workers(driver: int) -> list[int]:
    """The processes that the fork server of a driver has started."""
    (server,) = [
        pid for pid in direct(driver) if "forkserver" in Path(f"/proc/{pid}/cmdline").read_text()
    ]
    return direct(server)


def direct(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]
