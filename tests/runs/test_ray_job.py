"""Submitted to a real Ray cluster, as users do it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.execution.executors.run_metrics import COUNTERS
from pipeline.store.location import Location
from pipeline.store.part_names import list_parts
from pipeline.store.parts import read_counts
from tests.pipeline.media.child_processes import HANG_S
from tests.ray_metrics import shown_metrics

ROOT = Path(__file__).resolve().parents[2]
RAY = Path(sys.executable).with_name("ray")


@dataclass(frozen=True)
class Cluster:
    """A head on this machine."""

    url: str
    metrics_url: str
    environment: dict[str, str]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    # Short, because the paths of its sockets may not be longer than 107 bytes.
    folder = tempfile.mkdtemp(prefix="ray")
    environment = {
        **os.environ,
        "PATH": f"{RAY.parent}{os.pathsep}{os.environ['PATH']}",
        "RAY_AUTH_MODE": "disabled",
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_metrics_report_interval_ms": "1000",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        "TURNWISE_HOME": str(tmp_path / "home"),
    }
    environment.pop("RAY_ADDRESS", None)
    port, dashboard, agent, metrics = (free_port() for _ in range(4))
    command = [
        str(RAY), "start", "--head", "--block", "--node-ip-address=127.0.0.1", f"--port={port}",
        "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", "--num-cpus=2",
        # Its own, because the agent of another cluster on this machine has the usual one.
        f"--dashboard-agent-listen-port={agent}", f"--metrics-export-port={metrics}",
        "--object-store-memory=200000000", f"--temp-dir={folder}",
    ]  # fmt: skip
    log = (tmp_path / "head.log").open("wb")
    head = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{dashboard}"
    try:
        _wait_for(url, head, tmp_path / "head.log")
        yield Cluster(url, f"http://127.0.0.1:{metrics}/metrics", environment)
    finally:
        head.terminate()
        head.wait()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(url: str, head: subprocess.Popen[bytes], log: Path) -> None:
    while head.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/api/version", timeout=30).close()
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"the head did not start:\n{log.read_text(errors='replace')[-3000:]}")


def submitted(command: list[str], cluster: Cluster) -> subprocess.CompletedProcess[str]:
    """What became of a job. A head that has just started may not have its agent yet, and may not
    answer in time."""
    until = time.monotonic() + HANG_S
    while True:
        done = subprocess.run(
            command, cwd=ROOT, env=cluster.environment, capture_output=True, text=True, check=False
        )
        passing = any(
            cause in done.stderr for cause in ("No available agent", "Connection aborted")
        )
        if not passing or time.monotonic() > until:
            return done
        time.sleep(1)


def counts_of(parts: Path) -> Counter[tuple[str, ...]]:
    """What the metrics of the demo must say by its parts, but for what is 0: its engine counts no
    tokens."""
    found: Counter[tuple[str, ...]] = Counter()
    for recipe in parts.glob("*/*"):
        here = "demo", recipe.parent.name
        for part in list_parts(Location.of(recipe)).parts.values():
            counts = read_counts(part)
            for outcome in ("out", "rejected", "absent"):
                found[("turnwise_videos", *here, outcome)] += counts[f"videos_{outcome}"]
            for reason, rows in counts["rejected"].items():
                found[("turnwise_rejects", *here, reason)] += rows
            found[("turnwise_asks", *here)] += counts["asks"]
            for direction in ("in", "out"):
                found[("turnwise_tokens", *here, direction)] += counts[f"tokens_{direction}"]
    assert {name for name, *_ in +found} == COUNTERS.keys() - {"turnwise_tokens"}
    return +found


@pytest.mark.ray
def test_the_demo_as_a_job(cluster: Cluster, tmp_path: Path) -> None:
    command = [
        str(RAY), "job", "submit", "--address", cluster.url, "--working-dir", ".", "--",
        "python", "pipeline/run.py", "run", "-c", "configs/demo.yaml", "--limit", "3",
    ]  # fmt: skip
    done = submitted(command, cluster)
    assert done.returncode == 0, f"{done.stdout[-5000:]}\n{done.stderr[-3000:]}"
    assert "videos: 3 in = 3 annotated" in done.stdout
    assert "nodes, ray\n" in done.stdout and "\nend: " in done.stdout, "lines, not a bar"
    corpus = tmp_path / "home" / "runs" / "demo" / "corpus"
    assert (corpus / "README.md").exists(), "results outlive the job's copy of the folder"
    assert shown_metrics(cluster.metrics_url) == counts_of(corpus.parent / "parts")

    wrong = [*command, "--set", "run.worker=1"]
    refused = submitted(wrong, cluster)
    assert refused.returncode != 0
    assert "did you mean 'workers'" in refused.stdout + refused.stderr
