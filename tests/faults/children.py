"""Command lines in processes that cost no start: each is forked off one that has loaded all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.operations import Fault, Watch

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ended:
    """The exit status (negative: of the signal), what was printed, and how many file operations
    there were; 0 where it was killed."""

    status: int
    printed: str
    operations: int


class Children:
    """A process that forks off one command line after the other."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Of ``forking``."""
        self._process = process

    def call(
        self,
        folder: Path,
        arguments: Sequence[str],
        fault: Fault | None = None,
        *,
        failing: bool = False,
    ) -> Ended:
        """Run a command line; ``fault`` happens below the folder. After a cut the folder is what
        the cut left. ``failing``: so does the engine, now and then."""
        wanted = {"folder": str(folder), "arguments": [*map(str, arguments)], "failing": failing}
        line = json.dumps(wanted | {"fault": asdict(fault) if fault else None})
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        ended = Ended(**json.loads(self._process.stdout.readline()))
        cut = Path(f"{folder}.cut")
        if cut.exists():
            shutil.rmtree(folder)
            cut.rename(folder)
        return ended


@contextmanager
def forking() -> Iterator[Children]:
    """The process lives as long as the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.children"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Children(process)


def _serve() -> None:
    from tests.faults.small_run import call_main

    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        wanted = json.loads(line)
        read, write = os.pipe()
        out = Path(f"{wanted['folder']}.out")
        child = os.fork()
        if child == 0:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
            os.dup2(1, 2)
            status = 70
            try:
                watch = Watch(Path(wanted["folder"]), Fault(**wanted["fault"] or _NONE))
                status = call_main(wanted["arguments"], failing=wanted["failing"])
                watch.end()
                os.write(write, str(watch.count).encode())
            except BaseException:  # noqa: BLE001  it would go on as its parent
                sys.excepthook(*sys.exc_info())
            sys.stdout.flush()
            os._exit(status)
        os.close(write)
        with os.fdopen(read) as counted:
            count = counted.read()
        _, status = os.waitpid(child, 0)
        printed = out.read_text(encoding="utf-8", errors="replace")
        ended = Ended(os.waitstatus_to_exitcode(status), printed, int(count or 0))
        print(json.dumps(asdict(ended)), file=answers, flush=True)


_NONE = asdict(Fault("kill", 0))

if __name__ == "__main__":
    _serve()
