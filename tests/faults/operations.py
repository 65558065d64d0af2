"""Watches the file operations of this process below a folder, and lets one of them go wrong.

Calls into Python are seen by an audit hook; writes and syncs by what stands in for ``open`` and
``os.fsync``; what Arrow writes by itself is one write. A process is watched once, until its end.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

import pyarrow.parquet as pq

from pipeline.store import durable
from tests.faults.disk import Disk, Left

Does = Literal["kill", "cut", "EIO", "ENOSPC", "EACCES"]
_EVENTS: Mapping[str, str] = {
    "os.rename": "rename",
    "os.mkdir": "mkdir",
    "os.remove": "remove",
    "os.rmdir": "remove",
    "os.link": "link",
    "os.scandir": "list",
    "os.listdir": "list",
}
_WRITES = frozenset({"open to write", "write", "sync", "rename", "mkdir", "link"})
"""What a full disk refuses."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong at which operation, counted from 1. ``lasts``: and at all that follow."""

    does: Does
    at: int
    lasts: bool = False
    left: Left = "synced"
    """By a cut."""
    seed: int = 0
    unsynced: bool = False
    """A fault of the program beside it: folders are put in place without being synced."""


class Watch:
    """Counts operations below ``root`` and lets a fault happen."""

    def __init__(self, root: Path, fault: Fault | None) -> None:
        """Begins at once. What a cut leaves is written to ``root`` with ``.cut`` behind it."""
        self.count = 0
        self._below = f"{root}/"
        self._root = root
        self._fault = fault
        self._own = threading.local()
        self._disk = Disk(root) if fault is not None and fault.does == "cut" else None
        sys.addaudithook(self._audited)
        self._stand_in()
        if fault is not None and fault.unsynced:
            durable.sync_tree = lambda folder: None

    def end(self) -> None:
        """The work is done; a cut that has not come yet comes now."""
        if self._fault is not None and self._fault.does == "cut":
            self._happen(self._fault)

    def reached(self, kind: str, path: object) -> None:
        """An operation is about to begin.

        Raises:
            OSError: the fault.
        """
        if getattr(self._own, "busy", False) or not self._is_below(path):
            return
        self.count += 1
        fault = self._fault
        if fault is not None and (
            self.count == fault.at or (fault.lasts and self.count > fault.at)
        ):
            if fault.does == "ENOSPC" and kind not in _WRITES:
                return
            self._happen(fault, path if kind not in ("write", "sync") else None)

    def _happen(self, fault: Fault, path: object = None) -> None:
        if fault.does == "cut":
            assert self._disk is not None
            self._own.busy = True
            chance = Random(fault.seed)
            self._disk.write_to(Path(f"{self._root}.cut"), fault.left, chance)
        if fault.does in ("cut", "kill"):
            os.kill(os.getpid(), signal.SIGKILL)
        number = getattr(errno, fault.does)
        raise OSError(number, os.strerror(number), *([os.fsdecode(path)] if path else []))  # type: ignore[arg-type]

    def _is_below(self, path: object) -> bool:
        if isinstance(path, int):
            path = _path_of(path)
        text = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
        return text.startswith(self._below)

    def _audited(self, event: str, values: tuple[Any, ...]) -> None:
        if getattr(self._own, "busy", False):
            return
        if event == "open":
            path, _, flags = values
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            self.reached("open to write" if writes else "open", path)
        elif event in _EVENTS:
            path = values[0]
            folder = values[-1] if event in ("os.remove", "os.rmdir", "os.mkdir") else -1
            if isinstance(folder, int) and folder >= 0:
                path = os.path.join(_path_of(folder), os.fsdecode(path))  # noqa: PTH118
            self.reached(_EVENTS[event], path)

    def _stand_in(self) -> None:
        watch, opened, sync = self, io.open, os.fsync
        write_table, exchange = pq.write_table, durable.exchange

        class Raw(io.FileIO):
            """Half of what is to be written may get there."""

            def write(self, data: Any) -> int:
                try:
                    watch.reached("write", self.name)
                except OSError:
                    super().write(memoryview(data)[: len(data) // 2])
                    raise
                return int(super().write(data) or 0)

        def watched(file: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
            if not watch._is_below(file) or isinstance(file, int) or set(mode) <= set("rbt"):
                return opened(file, mode, *more, **options)
            raw = Raw(file, mode.replace("b", "").replace("t", ""))
            binary: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            if "b" in mode:
                return binary
            names = ("encoding", "errors", "newline")
            return io.TextIOWrapper(binary, **{n: options[n] for n in names if n in options})

        def synced(place: Any) -> None:
            number = place if isinstance(place, int) else place.fileno()
            watch.reached("sync", number)
            sync(number)
            if watch._disk is not None and watch._is_below(f"{_path_of(number)}/"):
                watch._own.busy = True
                watch._disk.synced(number)
                watch._own.busy = False

        def written(table: Any, where: Any, *more: Any, **options: Any) -> None:
            write_table(table, where, *more, **options)
            try:
                watch.reached("write", where)
            except OSError:
                os.truncate(where, Path(where).stat().st_size // 2)
                raise

        def exchanged(one: Path, other: Path) -> bool:
            watch.reached("rename", one)
            return exchange(one, other)

        io.open = builtins.open = watched
        os.fsync = synced  # type: ignore[assignment]
        pq.write_table = written
        durable.exchange = exchanged


def _path_of(place: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{place}").readlink())
    except OSError:
        return ""
