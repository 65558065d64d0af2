"""Drivers of runs that cost no start: each is forked off a process that has loaded all."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[2]


class Driver:
    """A command line in a process and session of its own."""

    def __init__(self, pid: int, ended: IO[str]) -> None:
        """``ended`` gets a line with its exit status."""
        self.pid = pid
        self._ended = ended
        self._status: int | None = None

    def poll(self) -> int | None:
        """Its exit status (negative: of the signal); None while it goes on."""
        if self._status is None and select.select([self._ended], [], [], 0)[0]:
            self.wait()
        return self._status

    def wait(self) -> int:
        """Its exit status, when it has ended."""
        if self._status is None:
            self._status = int(self._ended.readline())
        return self._status


class Drivers:
    """Starts one driver after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Of ``forking_drivers``."""
        self._process = process

    def start(self, command: Sequence[str], said: Path) -> Driver:
        """What it says goes to the file."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps([list(command), str(said)])}\n")
        self._process.stdin.flush()
        return Driver(int(self._process.stdout.readline()), self._process.stdout)


@contextmanager
def forking_drivers(**environment: str) -> Iterator[Drivers]:
    """They have this environment beside that of this process."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.runs.forked_drivers"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        yield Drivers(process)


def _serve() -> None:
    from pipeline.cli.stopping import run_until_stopped
    from pipeline.run import main

    answers = os.fdopen(os.dup(1), "w", buffering=1)
    for line in sys.stdin:
        command, said = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            os.dup2(1, 2)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            answers.close()
            # A shell has those that it starts in the background ignore it.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            sys.argv = ["pipeline/run.py", *command]
            status = 70
            try:
                status = run_until_stopped(main)
            except BaseException:  # noqa: BLE001  it would go on as its parent
                sys.excepthook(*sys.exc_info())
            sys.stdout.flush()
            os._exit(status)
        print(pid, file=answers)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), file=answers)


if __name__ == "__main__":
    _serve()
