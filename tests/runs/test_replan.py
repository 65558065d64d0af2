"""What an edit costs, what a lost part costs, and how ``plan`` explains it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.runs.raw_files import call

Write = Callable[..., Path]

BELOW_NARRATE = {"narrate", "polish", "dialogue", "plan_mixture", "apply_mixture"}
BELOW_NARRATE |= {"write_files", "write_corpus"}


@pytest.fixture
def plan(checkout: Path, cli: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    def of(config: Path, *arguments: str) -> dict[str, Any]:
        rows = json.loads(cli(checkout, "plan", "-c", str(config), *arguments, "--json").stdout)
        return {row["node"]: row for row in rows}

    return of


def to_do(plan: dict[str, Any]) -> set[str]:
    return {name for name, row in plan.items() if row["to_do"]}


def made(folder: Path) -> dict[str, int]:
    """How many shards the last run made of each node."""
    last = max((folder / "run" / "log").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    return dict(Counter(json.loads(line)["node"] for line in last.read_text().splitlines()))


def test_edits_and_losses(
    checkout: Path,
    cli: Callable[..., Any],
    plan: Any,
    write_config: Write,
    finished_config: Write,
    tmp_path: Path,
) -> None:
    streamo = checkout / "configs" / "streamo.yaml"
    assert len(to_do(plan(write_config("new", extends=streamo), "--limit", "2"))) == 26
    config = finished_config("run", extends=streamo)
    first = ("-c", str(config), "--limit", "2")

    # Neither width nor executor nor place is identity.
    moved = ["run.workers=7", "run.executor=ray", "nodes.narrate.execution.cpus=2"]
    settings = [argument for key in moved for argument in ("--set", key)]
    assert to_do(plan(config, "--limit", "2", *settings)) == set()

    # One lost part is made again, alone, and comes back the same.
    (lost, *_) = sorted((tmp_path / "run" / "parts" / "ground").rglob("part-00001-*"))
    before = lost.read_bytes()
    lost.unlink()
    replanned = plan(config, "--limit", "2")
    assert replanned["ground"]["to_do"] == 1 and replanned["ground"]["waiting"] == 0
    certain = {name for name, row in replanned.items() if row["to_do"] > row["waiting"]}
    assert certain == {"ground"}, "what lies below may have nothing to do"
    cli(checkout, "run", *first)
    assert lost.read_bytes() == before
    assert made(tmp_path) == {"ground": 1}

    # An edited prompt may cost what lies below its node, and the plan says so. Where no row
    # changes, it costs the node alone.
    prompt = checkout / "prompts" / "narrate.md"
    prompt.write_text(prompt.read_text() + "\nBe brief.\n")
    replanned = plan(config, "--limit", "2")
    assert to_do(replanned) == BELOW_NARRATE
    assert replanned["narrate"]["cause"] == "prompt narrate changed"
    assert replanned["polish"]["cause"] == "below narrate (prompt narrate changed)"

    cli(checkout, "run", *first)
    assert made(tmp_path) == {"narrate": 2}
    assert to_do(plan(config, "--limit", "2")) == set()

    # One node alone, whose rows change; what lies below then reads its new rows.
    sparse = ("--set", "nodes.polish.config.min_gap_s=9")
    cli(checkout, "run", *first, *sparse, "--only", "polish")
    replanned = plan(config, "--limit", "2", *sparse)
    assert to_do(replanned) == BELOW_NARRATE - {"narrate", "polish"}
    assert replanned["dialogue"]["cause"] == "what it reads changed"
    cli(checkout, "run", *first, *sparse)
    assert to_do(plan(config, "--limit", "2", *sparse)) == set()
    assert to_do(plan(config, "--limit", "2")) == set(), "what was made before is there"


def test_the_command_line_refuses_before_it_runs(
    write_config: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = str(write_config("run"))
    for arguments, message in (
        (("run", "-c", config, "--set", "run.worker=1"), "did you mean 'workers'"),
        (("run", "-c", config, "--only", "narate"), "did you mean 'narrate'"),
        (("run", "-c", config, "--only", "narrate"), "narrate reads segment, which has not run"),
        (("run", "-c", str(tmp_path / "absent.yaml")), "cannot be read"),
        (("run",), "--config"),
        (("rum",), "rum"),
    ):
        status, _, error = call(capsys, *arguments)
        assert status == 2 and message in error
    assert not (tmp_path / "run").exists()


def test_a_broken_stage_costs_its_shards_and_says_so(
    checkout: Path, cli: Callable[..., Any], write_config: Write
) -> None:
    stage = checkout / "stages" / "agree.py"
    fault = 'if rows.video_id == "scene-02":\n        import os\n        os._exit(9)\n    '
    head = "def run(rows: VideoRows, config: Config, context: Context)"
    source = stage.read_text()
    at = source.index("\n    ", source.index('"""', source.index(head)) + 3) + 5
    stage.write_text(source[:at] + fault + source[at:])
    config = write_config("run", extends=checkout / "configs" / "streamo.yaml")
    command = ("-c", str(config), "--limit", "2", "--set", "run.videos_per_shard=1")
    done = cli(checkout, "run", *command, expect=3)
    assert "its worker process died 2 times" in done.stderr
    status = json.loads(cli(checkout, "status", *command, "--json").stdout)
    nodes = {node["node"]: node for node in status["nodes"]}
    assert (nodes["agree"]["shards_done"], nodes["agree"]["shards_failed"]) == (1, 1)
    assert nodes["lint"]["shards_done"] == 2


def test_a_killed_run_goes_on_where_it_was(
    checkout: Path, cli: Callable[..., Any], write_config: Write, tmp_path: Path
) -> None:
    config = write_config("run", extends=checkout / "configs" / "streamo.yaml")
    first = ("--limit", "2", "--set", "run.videos_per_shard=1")
    command = [sys.executable, "pipeline/run.py", "run", "-c", str(config), *first]
    process = subprocess.Popen(
        command,
        cwd=checkout,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    parts = tmp_path / "run" / "parts"
    while len(list(parts.rglob("part-*"))) < 6:
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    left = {path: path.stat().st_mtime_ns for path in parts.rglob("part-*")}
    assert len(left) >= 6
    for path in left:
        pq.read_table(path)
    cli(checkout, "run", "-c", str(config), *first)
    assert {path: path.stat().st_mtime_ns for path in left} == left, "what was done stays"
