"""What an engine said to a shard that is not finished: a resumed shard asks only the rest.

<root>/parts/<node>/<recipe>/journal-00003-<inputs>/<uuid>.journal

An ask is a line, which begins with its checksum: one that was torn or damaged costs itself alone.
Whoever works on the shard adds a file of its own and reads all of them, so that of two at once
neither tears a line of the other, and nothing is written to again that somebody may have cut off.
All that is done to the files of a journal is done here.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from types import TracebackType
from typing import BinaryIO
from zlib import crc32

from pipeline.engines.base import Reply

SYNC_S = 1.0
"""How old a line gets at most before it is made to outlive the machine, too."""


@dataclass(frozen=True)
class Entry:
    """What became of an ask, so far: ``again`` says that it is to be asked again.

    ``ask`` is its digest, ``attempts`` how often it was put to the engine, and ``first_at`` and
    ``last_at`` are when the first and the last of them ended, in UTC.
    """

    ask: str
    attempts: int
    first_at: str
    last_at: str
    replies: tuple[Reply, ...]
    again: bool = False


class Journal:
    """The journal of a part, for who is about to make it. ``append`` is safe from any thread."""

    def __init__(self, part: Path) -> None:
        """Reads what is known; leaves no trace before there is something to add."""
        self.known = read_journal(part)
        self._folder = journal_path(part)
        self._lock = Lock()
        self._file: BinaryIO | None = None
        self._unsynced = False
        self._closed = Event()
        self._syncing = Thread(target=self._sync_often, name="journal", daemon=True)

    def append(self, entry: Entry) -> None:
        """Adds what has just been heard. It outlives this process when this returns.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            # Who was interrupted may have an engine that still hears what it had asked.
            if self._closed.is_set():
                return
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = _new_name(self._folder).open("xb")
                self._syncing.start()
            self._file.write(_line(entry))
            self._file.flush()
            self._unsynced = True

    def close(self) -> None:
        """Nothing is added any more."""
        self._closed.set()
        if self._syncing.ident is not None:
            self._syncing.join()
        with self._lock:
            if self._file is not None:
                self._file.close()

    def __enter__(self) -> Journal:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    def _sync_often(self) -> None:
        """In a thread of its own: an engine that says what it heard must not wait for a disk."""
        while not self._closed.wait(SYNC_S):
            self._sync()
        self._sync()

    def _sync(self) -> None:
        with self._lock:
            file, todo = self._file, self._unsynced
            self._unsynced = False
        if file is not None and todo:
            # What cannot be synced is still written; a disk that is full refuses the next line.
            with suppress(OSError):
                os.fsync(file.fileno())


def journal_path(part: Path) -> Path:
    """The folder of a part's journal."""
    return part.with_name(part.stem.replace("part-", "journal-", 1))


def read_journal(part: Path) -> dict[str, Entry]:
    """The entries by ask; of several for one, what stands, else that of the last attempt."""
    found: dict[str, Entry] = {}
    for path in sorted(journal_path(part).glob("*.journal")):
        # Gone, where another has just finished the part.
        with suppress(FileNotFoundError), path.open("rb") as lines:
            for entry in filter(None, map(_entry, lines)):
                other = found.get(entry.ask)
                if other is None or _worth(entry) > _worth(other):
                    found[entry.ask] = entry
    return found


def replace_journal(part: Path, entries: Iterable[Entry]) -> None:
    """Put these entries in the place of a journal. Killed midway, it leaves the one or both."""
    folder = journal_path(part)
    folder.mkdir(parents=True, exist_ok=True)
    old = list(folder.iterdir())
    fresh = _new_name(folder)
    beside = fresh.with_suffix(".new")
    with beside.open("xb") as file:
        file.writelines(map(_line, entries))
        file.flush()
        os.fsync(file.fileno())
    beside.rename(fresh)
    for path in old:
        path.unlink(missing_ok=True)


def remove_journal(part: Path) -> None:
    """Forget what was heard; nothing happens where there is nothing."""
    shutil.rmtree(journal_path(part), ignore_errors=True)


def _new_name(folder: Path) -> Path:
    return folder / f"{uuid.uuid4().hex}.journal"


def _worth(entry: Entry) -> tuple[bool, int]:
    return not entry.again, entry.attempts


def _line(entry: Entry) -> bytes:
    data = json.dumps(asdict(entry)).encode()
    return b"%08x %s\n" % (crc32(data), data)


def _entry(line: bytes) -> Entry | None:
    """What a line says; None for one that is damaged, or of another version of this module."""
    checksum, _, data = line.removesuffix(b"\n").partition(b" ")
    try:
        if int(checksum, 16) != crc32(data):
            return None
        told = json.loads(data)
        return Entry(**told | {"replies": tuple(Reply(**reply) for reply in told["replies"])})
    except (ValueError, TypeError, KeyError):
        return None
