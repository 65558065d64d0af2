"""Kills the processes of vLLM if the one that started them ends first, to free their GPUs.

    python watchdog.py PARENT CORE...

Waits until the parent or all cores have ended, and kills the cores that are left; the workers of
vLLM end with their core. Process ids may be reused meanwhile, so descriptors are opened first.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from multiprocessing.process import BaseProcess


def start_watchdog(cores: Iterable[BaseProcess]) -> subprocess.Popen[bytes]:
    """The watchdog of processes that this one has started, as a process in a session of its own."""
    pids = [str(os.getpid()), *(str(core.pid) for core in cores)]
    return subprocess.Popen([sys.executable, __file__, *pids], start_new_session=True)


def watch(parent: int, cores: Sequence[int]) -> None:
    """Returns when no core is left."""
    living = {opened for core in cores if (opened := _descriptor(core)) is not None}
    owner = _descriptor(parent)
    while living and owner is not None:
        ended, _, _ = select.select([owner, *living], [], [])
        living -= set(ended)
        if owner in ended:
            break
    for core in living:
        signal.pidfd_send_signal(core, signal.SIGKILL)


def _descriptor(pid: int) -> int | None:
    """A descriptor of a process; None if it has ended."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


if __name__ == "__main__":
    watch(int(sys.argv[1]), [int(pid) for pid in sys.argv[2:]])
