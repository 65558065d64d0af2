"""Which process something belongs to, and whether that process still lives."""

from __future__ import annotations

import hashlib
import os
import platform
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_STATE, _STARTED = 0, 19
"""Fields of ``/proc/<pid>/stat`` behind the name of the program."""
_ENDED = ("Z", "X")


@dataclass(frozen=True)
class Process:
    """A process: its number, when it started, and where such numbers mean something.

    ``started`` counts clock ticks since the machine started; 0 where the system does not tell.
    ``where`` is a digest of host, start of the machine and namespace of process numbers.
    """

    pid: int
    started: int
    where: str

    @staticmethod
    def this() -> Process:
        """The process that asks."""
        return Process(os.getpid(), _started(os.getpid()) or 0, _where())

    def lives(self) -> bool | None:
        """Whether it lives; None for one that cannot be seen from here, as of another machine."""
        if self.where != _where():
            return None
        if Path("/proc/self/stat").exists():
            return _started(self.pid) == self.started
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except OSError:
            pass
        return True


def stat_fields(stat: Path) -> list[str]:
    """The fields of a ``/proc/<pid>/stat`` behind the name of the program, which is in brackets and
    may hold blanks.

    Raises:
        OSError: the process has ended.
    """
    return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def _started(pid: int) -> int | None:
    """When a process started; None where there is none, or it has ended."""
    try:
        fields = stat_fields(Path(f"/proc/{pid}/stat"))
    except OSError:
        return None
    return None if fields[_STATE] in _ENDED else int(fields[_STARTED])


@cache
def _where() -> str:
    facts = [platform.node()]
    with suppress(OSError):
        facts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
        facts.append(str(Path("/proc/self/ns/pid").readlink()))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]
