"""Starts runs and kills one of their processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
DECODER = b"pipeline.media.reader.decode_worker"

Target = Literal["driver", "driver, asked to end", "all", "worker", "last worker", "decoder"]
"""``last worker``: the process that was started last, which holds the engine once there is one."""
TARGETS: Sequence[Target] = (
    *("driver", "worker", "all", "last worker", "driver, asked to end", "decoder"),
)
ENDING = {"driver", "driver, asked to end", "all"}
"""Without these a run ends; it goes on without any of the others."""


@dataclass(frozen=True)
class Kill:
    """What was killed when, and the exit status of the run."""

    target: Target
    after_s: float
    hit: bool
    """There was such a process, and the run was not over."""
    status: int


def below(pid: int) -> list[int]:
    """All processes below one, each after its parent."""
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found += [child, *below(child)]
    except OSError:
        pass
    return found


def command_of(pid: int) -> bytes:
    """The command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def run_and_kill(command: Sequence[str], target: Target, after_s: float, chance: Random) -> Kill:
    """Start a run, kill a process of it after a while, and wait for the end of the run."""
    run = subprocess.Popen(
        [sys.executable, "pipeline/run.py", *command],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell has those that it starts in the background ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    deadline_s = time.monotonic() + after_s
    while run.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.005)
    processes = below(run.pid)
    hit = run.poll() is None and _kill(run.pid, processes, target, chance)
    status = run.wait()
    if target in ENDING and hit:
        _wait_until_gone(processes)
    return Kill(target, after_s, hit, status)


def _kill(driver: int, processes: Sequence[int], target: Target, chance: Random) -> bool:
    decoders = [pid for pid in processes if DECODER in command_of(pid)]
    workers = [pid for pid in processes if b"forkserver" in command_of(pid)]
    # The first of these is the server that forks the others.
    chosen = {
        "driver": [driver],
        "driver, asked to end": [driver],
        "all": [driver],
        "worker": workers,
        "last worker": workers[2:][-1:],
        "decoder": decoders,
    }[target]
    if not chosen:
        return False
    try:
        if target == "all":
            for pid in [driver, *processes]:
                os.kill(pid, signal.SIGKILL)
            return True
        asked = signal.SIGTERM if chance.random() < 0.5 else signal.SIGINT
        how = asked if target == "driver, asked to end" else signal.SIGKILL
        os.kill(chance.choice(chosen), how)
    except ProcessLookupError:
        return target == "all"
    return True


def _wait_until_gone(processes: Sequence[int]) -> None:
    """Workers end with their driver, and decoders with their workers."""
    while any(map(command_of, processes)):
        time.sleep(0.02)
