"""A command of turnwise in processes of its own: their CPU time, their memory, and a kill."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOOK_S = 1.0
"""Between two looks at the memory of the processes."""
_SET_CHILD_SUBREAPER = 36
_PEAK = re.compile(rb"VmHWM:\s+(\d+) kB")
_ANONYMOUS = re.compile(rb"RssAnon:\s+(\d+) kB")


@dataclass
class Memory:
    """The most that a process of a kind held, in MiB: resident at all, and without pages of files
    as seen at the looks."""

    peak_mib: float = 0.0
    anonymous_mib: float = 0.0


@dataclass
class Watched:
    """What a command took."""

    status: int
    """As of ``subprocess``: negative for a signal."""
    wall_s: float
    cpu_s: float
    """Of all its processes."""
    memory: dict[str, Memory] = field(default_factory=dict)
    """By kind of process."""


def adopt_orphans() -> None:
    """Makes this process the parent of what a killed command leaves, so that its times count."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def watch(
    *arguments: str,
    environment: Mapping[str, str],
    log: Path,
    kill_when: Callable[[], bool] | None = None,
) -> Watched:
    """Runs ``pipeline/run.py`` to the end of all its processes, after ``adopt_orphans``. With
    ``kill_when``, the driver is killed when it says so."""
    before, start_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    memory: dict[str, Memory] = {}
    with log.open("ab") as said:
        driver = subprocess.Popen(
            [sys.executable, str(ROOT / "pipeline" / "run.py"), *arguments],
            cwd=ROOT, env={**os.environ, **environment}, stdout=said, stderr=said,
        )  # fmt: skip
        ended = threading.Event()
        looking = threading.Thread(target=_look, args=(driver.pid, memory, ended))
        looking.start()
        try:
            if kill_when is not None:
                while driver.poll() is None and not kill_when():
                    time.sleep(LOOK_S)
                driver.send_signal(signal.SIGKILL)
            driver.wait()
        finally:
            ended.set()
            looking.join()
        _reap()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return Watched(driver.returncode, time.monotonic() - start_s, cpu_s, memory)


def _reap() -> None:
    """Waits for the processes that the driver left, which end when it does."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _look(driver: int, memory: dict[str, Memory], ended: threading.Event) -> None:
    while not ended.wait(LOOK_S):
        for pid in (driver, *_below(driver)):
            with suppress(OSError):
                status = Path(f"/proc/{pid}/status").read_bytes()
                kind = "driver" if pid == driver else _kind(pid)
                held = memory.setdefault(kind, Memory())
                held.peak_mib = max(held.peak_mib, _mib(_PEAK, status))
                held.anonymous_mib = max(held.anonymous_mib, _mib(_ANONYMOUS, status))


def _kind(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    if b"decode_worker" in command:
        return "decoder"
    return "worker" if b"forkserver" in command else "other"


def _mib(pattern: re.Pattern[bytes], status: bytes) -> float:
    found = pattern.search(status)
    return int(found[1]) / 1024 if found else 0.0


def _below(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text(encoding="ascii").split()):
                found += [child, *_below(child)]
    return found
