"""Uris of videos that lie within another file: a member of a tar or zip, a cell of Parquet. Pure.

``CONTAINER#MEMBER``: ``shards/000.tar#clips/a.mp4`` and ``train.parquet#video/17``. The first ``#``
after the suffix of a container ends the uri of the container. A member of a tar or zip goes by its
name there; a cell by its column, ``/`` and its row, counted from 0 through the file. A column of
structs, as the library ``datasets`` writes them, stands for its field ``bytes``.

Nothing is escaped in a path, nor in ``s3://`` and ``gs://``. In ``file://`` both parts are
percent-encoded, so that any name can be written: ``file:///a.tar%23b/c.mp4`` is a file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, unquote

ContainerKind = Literal["tar", "zip", "parquet", "compressed"]

CONTAINER_SUFFIXES = (".tar", ".zip", ".parquet")
"""Of files that are read in place."""

_COMPRESSED = r"tar\.(?:gz|bz2|xz|zst|lz4|z)|tgz|tbz2?|txz|tzst|7z|rar"
_MARK = re.compile(rf"\.(?:tar|zip|parquet|{_COMPRESSED})(?=#)", re.IGNORECASE)
_SUFFIX = re.compile(rf"\.(?:(tar|zip|parquet)|{_COMPRESSED})", re.IGNORECASE)
_FILE = "file://"


@dataclass(frozen=True)
class Member:
    """A video in a container. ``container`` is a uri as it stands; ``name`` is decoded."""

    container: str
    kind: ContainerKind
    name: str


def container_kind(name: str) -> ContainerKind | None:
    """What kind of container a file is, by the suffix of its name; None for any other file.

    ``compressed`` are archives that cannot be read in place.
    """
    suffix = re.search(rf"{_SUFFIX.pattern}\Z", name, re.IGNORECASE)
    if suffix is None:
        return None
    kinds: dict[str, ContainerKind] = {"tar": "tar", "zip": "zip", "parquet": "parquet"}
    return kinds[suffix[1].lower()] if suffix[1] else "compressed"


def member_of(uri: str) -> Member | None:
    """The member that a uri names; None where it names a file of its own."""
    mark = _MARK.search(uri)
    if mark is None:
        return None
    container, name = uri[: mark.end()], uri[mark.end() + 1 :]
    kind = container_kind(container)
    assert kind is not None
    return Member(container, kind, unquote(name) if uri.startswith(_FILE) else name)


def member_uri(container: str, name: str) -> str:
    """The uri of a member. ``container`` is a path; it must be absolute where it holds a mark."""
    uri = f"{container}#{name}"
    if member_of(uri) == Member(container, container_kind(container) or "tar", name):
        return uri
    return f"{_FILE}{quote(container)}#{quote(name)}"


def file_uri(path: str) -> str:
    """The uri of a file of its own. ``path`` must be absolute where it could be read as a member's,
    and then is written as ``file://``."""
    return path if member_of(path) is None else f"{_FILE}{quote(path)}"


def local_path(uri: str) -> str:
    """The path of a local file's uri, which is a path or ``file://``."""
    return unquote(uri.removeprefix(_FILE)) if uri.startswith(_FILE) else uri


def cell_of(name: str) -> tuple[str, int] | None:
    """The column and the row of a cell's name; None for any other text."""
    column, _, row = name.rpartition("/")
    plain = row.isascii() and row.isdecimal() and len(row) <= len(str(1 << 63))
    return (column, int(row)) if column and plain else None
