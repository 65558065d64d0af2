"""Kills one of the processes of a command."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal, Protocol

ROOT = Path(__file__).resolve().parents[2]
DECODER = b"pipeline.media.reader.decode_worker"

VICTIMS_POLL_S = 0.01

Target = Literal["driver", "driver, asked to end", "all", "worker", "last worker", "decoder"]
"""``last worker``: the process that was started last, which holds the engine once there is one."""
ENDING = {"driver", "driver, asked to end", "all"}
"""Without these a command ends; it goes on without any of the others."""


@dataclass(frozen=True)
class Moment:
    """When to kill: ``after_s`` after ``has_come()``, which is called every ``poll_s``."""

    has_come: Callable[[], bool]
    after_s: float
    poll_s: float = 0.002


@dataclass(frozen=True)
class Kill:
    """Whether there was such a process while the command was under way, and its exit status."""

    hit: bool
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


class Process(Protocol):
    """A command that was started, as of ``subprocess`` or of ``forked_drivers``."""

    pid: int

    def poll(self) -> int | None:
        """Its exit status; None while it goes on."""

    def wait(self) -> int:
        """Its exit status, when it has ended."""


def kill(
    run: Process,
    moment: Moment,
    victims: Callable[[int], Sequence[int]],
    how: signal.Signals = signal.SIGKILL,
) -> Kill:
    """Wait for the moment and then for ``victims``, by the number of the process of the command;
    send them a signal, and wait for the end of the command."""
    while run.poll() is None and not moment.has_come():
        time.sleep(moment.poll_s)
    time.sleep(moment.after_s)
    while run.poll() is None and not victims(run.pid):
        time.sleep(VICTIMS_POLL_S)
    processes, chosen = below(run.pid), victims(run.pid)
    hit = run.poll() is None and bool(chosen)
    for pid in chosen if hit else ():
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            hit = len(chosen) > 1
    status = run.wait()
    if run.pid in chosen:
        hit = hit and status != 0  # it was over, or as good as over
        _wait_until_gone(processes)
    return Kill(hit, status)


def local_victims(target: Target, chance: Random) -> Callable[[int], Sequence[int]]:
    """Finds the processes to kill below a driver of this machine; none where there are none yet."""
    drawn = chance.random()

    def found(driver: int) -> Sequence[int]:
        processes = below(driver)
        decoders = [pid for pid in processes if DECODER in command_of(pid)]
        workers = [pid for pid in processes if b"forkserver" in command_of(pid)]
        # The first of these is the server that forks the others.
        if target == "all":
            return [driver, *processes]
        if target in ENDING:
            return [driver]
        chosen = {"worker": workers, "last worker": workers[1:][-1:], "decoder": decoders}[target]
        return chosen[int(drawn * len(chosen)) :][:1]

    return found


def signal_to(target: str, chance: Random) -> signal.Signals:
    """One that asks for the end, or the one that ends a process at once."""
    asked = chance.choice([signal.SIGTERM, signal.SIGINT])
    return asked if target == "driver, asked to end" else signal.SIGKILL


def _wait_until_gone(processes: Sequence[int]) -> None:
    """Workers end with their driver, and decoders with their workers."""
    while any(map(command_of, processes)):
        time.sleep(0.02)
