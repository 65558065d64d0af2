"""The replies to the asks of an unfinished shard: a resumed shard asks only the rest.

<root>/parts/<node>/<recipe>/journal-00003-<inputs>/<uuid>.journal

Each ask is a line with a checksum, so that a torn or damaged line is lost alone. The first line of
a file has the videos that its asks may be about. Every writer has files of its own and reads those
of all, so that two at once do not mix their lines, and nothing is appended to a file that may end
in a torn line. On this machine a writer has one file; objects of a store cannot be appended to, so
there it writes one every few seconds. No other module touches the files of a journal.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, BinaryIO
from zlib import crc32

from pipeline.engines.base import Reply
from pipeline.store.durable import make_folders, naming, sync
from pipeline.store.location import Location

SYNC_S = 1.0
"""Seconds until a line is synced to disk, and so outlives the machine."""
PUT_S = 5.0
"""Seconds until a line is in an object store."""


@dataclass(frozen=True)
class Entry:
    """The replies to an ask so far. If ``again`` is true it is to be asked again.

    ``ask`` is its digest, and ``video_id`` the video it is about. ``attempts`` is how often the
    engine was asked, and ``first_at`` and ``last_at`` are the ends of the first and the last
    attempt, in UTC.
    """

    ask: str
    attempts: int
    first_at: str
    last_at: str
    replies: tuple[Reply, ...]
    again: bool = False
    video_id: str = ""


class Journal:
    """The journal of a part that is being made, to read and to append to."""

    def __init__(self, slot: Location, videos: Collection[str] = ()) -> None:
        """Reads all entries into ``known``. Creates no file before the first ``append``; what is
        appended is about ``videos``."""
        self._folder = journal_path(slot)
        self._local = self._folder.path
        self._first_line = _first_line(videos)
        self.known = read_journal(self._folder)
        self._lock = Lock()
        self._file: BinaryIO | None = None
        self._unsent: list[bytes] = []
        self._unsynced = False
        self._unnamed = False
        self._closed = Event()
        self._saving = Thread(target=self._save_often, name="journal", daemon=True)

    def append(self, entry: Entry) -> None:
        """Adds an entry. On this machine it outlives the process when this returns, in an object
        store ``PUT_S`` later.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            if self._saving.ident is None:
                self._saving.start()
            if self._local is None:
                self._unsent.append(_line(entry))
                return
            with naming(self._folder):
                if self._file is None:
                    make_folders(self._local)
                    self._file = Path(_new_file(self._folder)).open("xb")  # noqa: SIM115  until ``close``
                    self._unnamed = True
                    self._file.write(self._first_line)
                self._file.write(_line(entry))
                self._file.flush()
            self._unsynced = True

    def close(self) -> None:
        """Writes what is left. No entry can be added afterwards."""
        self._closed.set()
        if self._saving.ident is not None:
            self._saving.join()
        with self._lock:
            if self._file is not None:
                with naming(self._folder):
                    self._file.close()

    def __enter__(self) -> Journal:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def _save_often(self) -> None:
        """In a thread of its own, so that no reply waits for a disk or a store."""
        wait_s = SYNC_S if self._local is not None else PUT_S
        while not self._closed.wait(wait_s):
            self._save()
        self._save()

    def _save(self) -> None:
        with self._lock:
            file, todo = self._file, self._unsynced
            unsent, self._unsent = self._unsent, []
            self._unsynced = False
        # What cannot be synced is still written, and a full disk fails the next ``append``. What a
        # store refuses now is sent again with the next lines.
        try:
            if file is not None and todo:
                os.fsync(file.fileno())
                if self._unnamed and self._local is not None:
                    sync(self._local)
                    self._unnamed = False
            if unsent:
                _new_file(self._folder).write_bytes(b"".join([self._first_line, *unsent]))
        except OSError:
            with self._lock:
                self._unsent = unsent + self._unsent


def journal_path(slot: Location) -> Location:
    """The folder of the journal of a slot."""
    return slot.with_name(slot.name.replace("part-", "journal-", 1))


def read_journal(folder: Location) -> dict[str, Entry]:
    """The entries by ask; of several for one the final one, else that of the last attempt."""
    return newest(_entries(folder))


def newest(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries by ask; of several for one the final one, else that of the last attempt."""
    found: dict[str, Entry] = {}
    for entry in entries:
        other = found.get(entry.ask)
        if other is None or _worth(entry) > _worth(other):
            found[entry.ask] = entry
    return found


def journal_videos(folder: Location) -> frozenset[str] | None:
    """The videos that the asks of a journal may be about; None where not all of its files say so.

    Reads the first line of each.
    """
    found: set[str] = set()
    for name in _files(folder):
        with suppress(FileNotFoundError), (folder / name).open() as lines:
            first = _checked(lines.readline())
            if first is None or "videos" not in first:
                return None
            found.update(first["videos"])
    return frozenset(found)


def _files(folder: Location) -> Iterator[str]:
    names = sorted(folder.sizes())
    return (name for name in names if name.endswith(".journal") and not name.startswith("."))


def _entries(folder: Location) -> Iterator[Entry]:
    for name in _files(folder):
        # Another writer that has just finished the part has removed it.
        with suppress(FileNotFoundError), (folder / name).open() as lines:
            yield from filter(None, map(_entry, lines))


def replace_journal(folder: Location, entries: Iterable[Entry]) -> None:
    """Replaces a journal by these entries. If killed midway, it leaves the old journal or both."""
    old, kept = folder.sizes(), list(entries)
    with _new_file(folder).writing() as path, path.open("wb") as file:
        file.write(_first_line({entry.video_id for entry in kept}))
        file.writelines(map(_line, kept))
    for name in old:
        (folder / name).remove()


def _new_file(folder: Location) -> Location:
    return folder / f"{uuid.uuid4().hex}.journal"


def _worth(entry: Entry) -> tuple[bool, int]:
    return not entry.again, entry.attempts


def _first_line(videos: Collection[str]) -> bytes:
    """Empty where it is not known of each ask what video it is about."""
    return _with_checksum({"videos": sorted(videos)}) if all(videos) and videos else b""


def _line(entry: Entry) -> bytes:
    # As `asdict`, which copies every value and takes ten times as long.
    return _with_checksum({**vars(entry), "replies": [vars(reply) for reply in entry.replies]})


def _with_checksum(fields: Mapping[str, Any]) -> bytes:
    data = json.dumps(fields).encode()
    return b"%08x %s\n" % (crc32(data), data)


def _checked(line: bytes) -> dict[str, Any] | None:
    """The fields of a line; None for one that is damaged."""
    checksum, _, data = line.removesuffix(b"\n").partition(b" ")
    try:
        fields = json.loads(data) if int(checksum, 16) == crc32(data) else None
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _entry(line: bytes) -> Entry | None:
    """The entry of a line; None for the first one of a file, and for one that is damaged or of
    another version of this module."""
    fields = _checked(line)
    if fields is None or "videos" in fields:
        return None
    try:
        replies = tuple(Reply(**reply) for reply in fields["replies"])
        return Entry(**fields | {"replies": replies})
    except (TypeError, KeyError):
        return None
