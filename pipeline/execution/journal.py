"""What an engine said to a shard that is not finished: a resumed shard asks only the rest.

<root>/parts/<node>/<recipe>/journal-00003-<inputs>/<uuid>.journal

An ask is a line, which begins with its checksum: one that was torn or damaged costs itself alone.
Whoever works on the shard adds files of its own and reads all there are, so that of two at once
neither tears a line of the other, and nothing is written to again that somebody may have cut off.
On this machine that is one file; an object store takes no lines, so there it is a file every few
seconds. All that is done to the files of a journal is done here.
"""

from __future__ import annotations

import json
import os
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
from pipeline.store.location import Location

SYNC_S = 1.0
"""How old a line gets at most before it is made to outlive the machine, too."""
PUT_S = 5.0
"""How old a line gets at most before an object store has it."""


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

    def __init__(self, part: Location) -> None:
        """Reads what is known; leaves no trace before there is something to add."""
        self.known = read_journal(part)
        self._folder = journal_path(part)
        self._lock = Lock()
        self._file: BinaryIO | None = None
        self._held: list[bytes] = []
        self._unsynced = False
        self._closed = Event()
        self._saving = Thread(target=self._save_often, name="journal", daemon=True)

    def append(self, entry: Entry) -> None:
        """Adds what has just been heard. On this machine it outlives the process when this returns,
        in an object store ``PUT_S`` later.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            if self._saving.ident is None:
                self._saving.start()
            if self._folder.path is None:
                self._held.append(_line(entry))
                return
            if self._file is None:
                self._folder.path.mkdir(parents=True, exist_ok=True)
                self._file = Path(_new_file(self._folder)).open("xb")  # noqa: SIM115  until ``close``
            self._file.write(_line(entry))
            self._file.flush()
            self._unsynced = True

    def close(self) -> None:
        """Nothing is added any more."""
        self._closed.set()
        if self._saving.ident is not None:
            self._saving.join()
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

    def _save_often(self) -> None:
        """In a thread of its own: an engine that says what it heard must not wait for a disk."""
        wait_s = SYNC_S if self._folder.path is not None else PUT_S
        while not self._closed.wait(wait_s):
            self._save()
        self._save()

    def _save(self) -> None:
        with self._lock:
            file, todo = self._file, self._unsynced
            held, self._held = self._held, []
            self._unsynced = False
        # What cannot be synced is still written; a disk that is full refuses the next line. What a
        # store does not take now, it may take with what comes next.
        try:
            if file is not None and todo:
                os.fsync(file.fileno())
            if held:
                _new_file(self._folder).write_bytes(b"".join(held))
        except OSError:
            with self._lock:
                self._held = held + self._held


def journal_path(part: Location) -> Location:
    """The folder of a part's journal."""
    return part.with_name(part.stem.replace("part-", "journal-", 1))


def read_journal(part: Location) -> dict[str, Entry]:
    """The entries by ask; of several for one, what stands, else that of the last attempt."""
    found: dict[str, Entry] = {}
    folder = journal_path(part)
    for name in sorted(folder.sizes()):
        if not name.endswith(".journal") or name.startswith("."):
            continue
        # Gone, where another has just finished the part.
        with suppress(FileNotFoundError), (folder / name).open() as lines:
            for entry in filter(None, map(_entry, lines)):
                other = found.get(entry.ask)
                if other is None or _worth(entry) > _worth(other):
                    found[entry.ask] = entry
    return found


def replace_journal(part: Location, entries: Iterable[Entry]) -> None:
    """Put these entries in the place of a journal. Killed midway, it leaves the one or both."""
    folder = journal_path(part)
    old = folder.sizes()
    with _new_file(folder).writing() as path, path.open("wb") as file:
        file.writelines(map(_line, entries))
    for name in old:
        (folder / name).remove()


def remove_journal(part: Location) -> None:
    """Forget what was heard; nothing happens where there is nothing."""
    journal_path(part).remove_tree()


def _new_file(folder: Location) -> Location:
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
