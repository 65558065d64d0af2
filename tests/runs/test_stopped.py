"""Ctrl-C and SIGTERM, to all processes of a run at once, as a terminal and Slurm send them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.runs.killing import ROOT, below, command_of

WriteConfig = Callable[..., Path]
STOPPED = "stopped: the same command goes on from here"


def started(*arguments: str, **options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "pipeline/run.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", **options},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell has those that it starts in the background ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def wait_for(run: subprocess.Popen[str], there: Callable[[], object]) -> None:
    while not there():
        assert run.poll() is None, run.communicate()
        time.sleep(0.01)


def wait_for_part(run: subprocess.Popen[str], root: Path, node: str) -> None:
    wait_for(run, lambda: list(root.glob(f"parts/{node}/*/part-*")))


def assert_stopped(run: subprocess.Popen[str], status: int) -> None:
    """One line says so, no process of the run says anything else, and all are gone."""
    processes = below(run.pid)
    printed, errors = run.communicate()
    assert run.returncode == status, errors
    assert not printed
    lines = [line for line in errors.splitlines() if not line.startswith(("start: ", "running: "))]
    assert lines == [STOPPED]
    while any(map(command_of, processes)):
        time.sleep(0.02)


def interrupts(run: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> None:
    os.killpg(run.pid, number)


@pytest.mark.parametrize(
    ("node", "number"),
    [("ingest", signal.SIGINT), ("segment", signal.SIGTERM)],
)
def test_a_run_that_is_stopped_says_so_in_one_line(
    write_config: WriteConfig, tmp_path: Path, node: str, number: signal.Signals
) -> None:
    run = started("run", "-c", str(write_config("run")))
    wait_for_part(run, tmp_path / "run", node)
    interrupts(run, number)
    assert_stopped(run, 128 + number)


def test_a_decoder_whose_run_is_stopped_in_the_middle_of_a_video_is_silent(
    write_config: WriteConfig, tmp_path: Path
) -> None:
    run = started("run", "-c", str(write_config("run")))

    def decoders() -> list[int]:
        return [pid for pid in below(run.pid) if b"decode_worker" in command_of(pid)]

    wait_for_part(run, tmp_path / "run", "ingest")
    held = decoders()
    assert held
    for decoder in held:  # each has read its request, or is about to
        os.kill(decoder, signal.SIGSTOP)
    interrupts(run)
    run.wait()
    for decoder in held:
        os.kill(decoder, signal.SIGCONT)
    assert run.communicate()[1].splitlines()[-1] == STOPPED
    assert run.returncode == 130


def test_a_second_time_changes_nothing(write_config: WriteConfig, tmp_path: Path) -> None:
    config = str(write_config("run"))
    run = started("run", "-c", config)
    wait_for_part(run, tmp_path / "run", "ingest")
    for _ in range(5):
        interrupts(run)
        time.sleep(0.01)
    assert_stopped(run, 130)


def test_while_the_program_is_loaded() -> None:
    run = started("run", "-c", "configs/demo.yaml", PYTHONVERBOSE="1")
    assert run.stderr is not None
    assert any(line.startswith("import 'typer") for line in run.stderr)
    interrupts(run)
    errors = run.communicate()[1]
    assert run.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == STOPPED


def reads(run: subprocess.Popen[str], file: Path) -> bool:
    """Whether a run has the file open."""
    with suppress(OSError):
        return any(link.resolve() == file for link in Path(f"/proc/{run.pid}/fd").iterdir())
    return False


def test_while_the_manifest_is_read(write_config: WriteConfig, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text('{"uri": "a.mp4"}\n' * 300_000)
    source = {"kind": "manifest", "path": str(manifest)}
    run = started("run", "-c", str(write_config("run", source=source)))
    wait_for(run, lambda: reads(run, manifest))
    interrupts(run)
    assert_stopped(run, 130)


def test_a_verb_that_begins_anew_promises_nothing(tmp_path: Path) -> None:
    raw = tmp_path / "raw.jsonl"
    raw.write_text('{"video": "a.mp4"}\n' * 300_000)
    run = started("audit", str(raw))
    wait_for(run, lambda: reads(run, raw))
    interrupts(run)
    assert run.communicate() == ("", "stopped\n")
    assert run.returncode == 130


@pytest.mark.ray
@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.faults)]
)
def test_on_ray(write_config: WriteConfig, tmp_path: Path, number: signal.Signals) -> None:
    """SIGTERM to the driver alone, for with all processes it would end Ray itself."""
    run = started("run", "-c", str(write_config("run")), "--executor", "ray")
    wait_for_part(run, tmp_path / "run", "ingest")
    if number == signal.SIGTERM:
        run.send_signal(number)
    else:
        interrupts(run)
    _, errors = run.communicate()
    assert run.returncode == 128 + number, errors
    assert "Traceback" not in errors and "SIGTERM received" not in errors
    assert errors.splitlines().count(STOPPED) == 1
