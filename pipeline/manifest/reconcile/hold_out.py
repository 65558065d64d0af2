"""Hold-out lists: the videos in a user's benchmark files, which are kept out of training."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipeline.errors import ConfigError
from pipeline.manifest.adapters.entry import Unread, is_utf8
from pipeline.manifest.adapters.layouts import json_lines, table
from pipeline.manifest.adapters.platform_ids import aliases
from pipeline.store.files.scratch_db import scratch_base

NAMING: Final = frozenset(
    {
        *("video", "videos", "vid", "videoid", "videoids", "videoname", "videopath", "videofile"),
        *("videouid", "videourl", "youtubeid", "ytid", "youtubeurl", "clipuid", "clipid"),
        *("filename", "platformid", "uri"),
    }
)
"""Keys and columns that name a video, in lower case, letters alone: ``video_id`` is one of them,
as are those of a manifest."""

_INSIDE: Final = frozenset({*NAMING, "path", "id", "name"})
"""Keys that name a video within an object that is the value of a key of ``NAMING``."""
_AT_ONCE = 500
"""Aliases in one query."""


@dataclass(frozen=True)
class HoldOutList:
    """A file that was read: its name, and the number of its distinct ids."""

    name: str
    ids: int


class HeldOut:
    """The ids of all lists, in a database on disk."""

    def __init__(self, paths: Sequence[Path], work: Path) -> None:
        """``work``: a folder for the database, which the caller removes."""
        self.lists: list[HoldOutList] = []
        self._paths = paths
        self._base = scratch_base(work / "held_out.sqlite")

    def __enter__(self) -> HeldOut:
        """Reads all lists.

        Raises:
            ConfigError: a list cannot be read, has a damaged record, or has no id.
        """
        run = self._base.execute
        run("CREATE TABLE ids (list INTEGER, id TEXT, PRIMARY KEY (list, id)) WITHOUT ROWID")
        run("CREATE TABLE aliases (alias TEXT PRIMARY KEY, list INTEGER, id TEXT) WITHOUT ROWID")
        run("BEGIN")
        for number, path in enumerate(self._paths):
            count = 0
            for one in read_ids(path):
                done = run("INSERT OR IGNORE INTO ids VALUES (?, ?)", (number, one))
                count += done.rowcount
                rows = ((alias, number, one) for alias in aliases(one))
                self._base.executemany("INSERT OR IGNORE INTO aliases VALUES (?, ?, ?)", rows)
            if not count:
                known = ", ".join(sorted(NAMING))
                raise ConfigError(
                    f"hold_out: {path}: no id of a video was found. A text file has one a line;"
                    f" keys and columns that name videos are {known}"
                )
            self.lists.append(HoldOutList(path.name, count))
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the database."""
        self._base.close()

    def find(self, names: Iterable[str]) -> tuple[int, str] | None:
        """The number of the first list that has a video, and the id there; None where none has it.

        ``names`` are all ids, names and paths of the video.
        """
        if not self.lists:
            return None
        known = list(dict.fromkeys(alias for name in names for alias in aliases(name)))
        for start in range(0, len(known), _AT_ONCE):
            some = known[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(some))
            query = f"SELECT list, id FROM aliases WHERE alias IN ({marks}) ORDER BY list, id"
            found: tuple[int, str] | None = self._base.execute(query, some).fetchone()
            if found is not None:
                return found
        return None


def read_ids(path: Path) -> Iterator[str]:
    """The ids, names and paths of videos in a file: CSV, JSON and JSON Lines by their suffixes, any
    other as text with one a line.

    In files with keys, the values of keys that name a video are read, at any depth. Where there is
    no such key, the names of an object of objects are read, also below ``database``, and lists of
    strings.

    Raises:
        ConfigError: the file cannot be read, or a record is damaged.
    """
    try:
        found = _READERS.get(path.suffix.lower(), _text)(path)
        yield from (one.strip() for one in found if one.strip() and is_utf8(one))
    except OSError as error:
        raise ConfigError(f"hold_out: {path}: cannot be read: {error.strerror}") from None


def _text(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig") as lines:
            yield from lines
    except UnicodeDecodeError as error:
        raise ConfigError(f"hold_out: {path}: not UTF-8: {error}") from None


def _csv(path: Path) -> Iterator[str]:
    for pointer, row in table(path):
        yield from _named(_checked(path, pointer, row))


def _lines(path: Path) -> Iterator[str]:
    for pointer, row in json_lines(path):
        value = _checked(path, pointer, row)
        yield from [value] if isinstance(value, str) else _named(value)


def _json(path: Path) -> Iterator[str]:
    try:
        value = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"hold_out: {path}: not JSON: {error}") from None
    found = False
    for one in _named(value):
        found = True
        yield one
    if not found:
        yield from _members(value)


def _checked(path: Path, pointer: str, row: Any) -> Any:
    if isinstance(row, Unread):
        raise ConfigError(f"hold_out: {path}#{pointer}: {row.detail}")
    return row


def _named(value: Any, keys: frozenset[str] = NAMING) -> Iterator[str]:
    """The values of all keys that name a video."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if re.sub(r"[^a-z]", "", str(key).lower()) in keys:
                yield from _values(inner)
            else:
                yield from _named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner)


def _values(value: Any) -> Iterator[str]:
    """The ids in the value of such a key: a string, a number, a list, or an object."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    elif isinstance(value, Mapping):
        yield from _named(value, _INSIDE)


def _members(value: Any) -> Iterator[str]:
    """The ids in a JSON value without such a key: names of objects, or lists of strings."""
    if isinstance(value, Mapping):
        value = value.get("database", value)
    if isinstance(value, Mapping):
        inner = list(value.values())
        if inner and all(isinstance(one, Mapping) for one in inner):
            yield from value
        else:
            yield from (text for one in inner if isinstance(one, list) for text in _members(one))
    elif isinstance(value, list):
        yield from (str(one) for one in value if isinstance(one, str | int))


_READERS: Final = {".csv": _csv, ".json": _json, ".jsonl": _lines, ".ndjson": _lines}
