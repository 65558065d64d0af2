"""What a user sees of a run that cannot continue, and what a killed run leaves."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pipeline.run import main
from tests.runs.test_http_run import rows_of

ROOT = Path(__file__).resolve().parents[2]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *children(child)]
    return found


@pytest.mark.parametrize(
    "kill", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.faults)]
)
def test_a_killed_run_takes_its_workers_along_and_can_be_run_again(
    write_config: Callable[..., Path], tmp_path: Path, kill: signal.Signals
) -> None:
    config = write_config("run")
    command = [sys.executable, "pipeline/run.py", "run", "-c", str(config)]
    with (tmp_path / "out").open("wb") as out:
        run = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out)
    while not list(tmp_path.glob("run/parts/ingest/*/part-*")):
        assert run.poll() is None
        time.sleep(0.05)
    workers = children(run.pid)
    assert len(workers) > 2
    os.kill(run.pid, kill)
    assert run.wait() == (143 if kill == signal.SIGTERM else -kill)
    while any(map(alive, workers)):
        time.sleep(0.05)
    assert main(["run", "-c", str(config), "--limit", "2"]) == 0


def test_a_root_that_cannot_be_written_is_one_line(
    write_config: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = write_config("run")
    (tmp_path / "run").write_text("a file")
    assert main(["run", "-c", str(config), "--limit", "2"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and str(tmp_path / "run") in error
    assert len(error.splitlines()) == 1


def test_a_damaged_part_is_named_and_the_run_goes_on_without_it(
    finished_config: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["run", "-c", str(finished_config("run")), "--limit", "2", "--until", "ingest"]
    part, _ = tmp_path.glob("run/parts/ingest/*/part-*")
    part.write_bytes(part.read_bytes()[:100])
    capsys.readouterr()
    for verb in ("status", "run"):
        assert main([verb, *command[1:5], *(command[5:] if verb == "run" else ())]) == 1
        assert f"remove {part} and run again" in capsys.readouterr().err
    part.unlink()
    assert main(command) == 0


def test_a_disk_that_takes_no_more_costs_what_did_not_fit_and_no_more(
    write_config: Callable[..., Path], finished_config: Callable[..., Path], tmp_path: Path
) -> None:
    """Files may only be so long, which shows as a full disk does: a write fails."""
    finished_config("whole")
    for most_bytes in (2_000, 60_000):
        root = tmp_path / f"full-{most_bytes}"
        config = write_config(root.name)
        one = ("--set", "run.videos_per_shard=1", "--set", "corpus.shards_per_group=1")
        command = ["run", "-c", str(config), "--limit", "2", *one]
        full = subprocess.run(
            [sys.executable, "pipeline/run.py", *command],
            cwd=ROOT,
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most_bytes,) * 2),
            capture_output=True,
            text=True,
            check=False,
        )
        assert full.returncode in (1, 3), full.stderr
        assert "File too large" in full.stderr
        files = [path for path in root.rglob("*") if path.is_file()]
        assert not [path for path in files if path.name.startswith(".")]
        for path in root.glob("parts/*/*/part-*"):
            assert path.read_bytes()[-4:] == b"PAR1", "what exists is whole"
        assert main(command) == 0
        assert rows_of(root) == rows_of(tmp_path / "whole")
