"""Waiting for processes by their end, not by the clock."""

from __future__ import annotations

import os
import select

HANG_S = 240.0
"""A ceiling that only a hang reaches, however busy the machine; below pytest's own limit."""


def wait_for_end(pid: int) -> None:
    """Returns once the process has ended, whether or not its parent has waited for it."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([process], [], [], HANG_S)[0], "the process does not end"
    finally:
        os.close(process)
