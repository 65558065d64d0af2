"""Sees to it that no process of vLLM outlives the one that started it, holding its GPUs.

    python guard.py PARENT CORE...

Waits until the parent or all cores have ended. If cores are left then, they are killed; the workers
of vLLM end with their core. Process ids may be given to others meanwhile, so they are held by
descriptors from the start.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Sequence


def guard(parent: int, cores: Sequence[int]) -> None:
    """Returns when no core is left."""
    living = {held for core in cores if (held := _held(core)) is not None}
    owner = _held(parent)
    while living and owner is not None:
        ended, _, _ = select.select([owner, *living], [], [])
        living -= set(ended)
        if owner in ended:
            break
    for core in living:
        signal.pidfd_send_signal(core, signal.SIGKILL)


def _held(pid: int) -> int | None:
    """A descriptor of a process; None when it has ended."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None


if __name__ == "__main__":
    guard(int(sys.argv[1]), [int(pid) for pid in sys.argv[2:]])
