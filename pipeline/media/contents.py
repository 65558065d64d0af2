"""Which videos lie in a container: members of a tar or zip, cells of Parquet."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.media.archive import read_archive
from pipeline.media.member import container_kind
from pipeline.store.files.parquet_rows import ParquetLimitError, bounded_rows
from pipeline.store.location import Location

COMPRESSED = "compressed archive"
UNREADABLE = "unreadable archive"


@dataclass(frozen=True)
class Inner:
    """A video in a container: its name in uris, and the path that it would have unpacked; empty
    where nothing names it."""

    member: str
    path: str


@dataclass(frozen=True)
class Contents:
    """The videos in a container, in its order. ``problem`` says why others in it are none:
    ``COMPRESSED`` or ``UNREADABLE``, and ``detail`` for people; both empty where there are none."""

    videos: tuple[Inner, ...] = ()
    problem: str = ""
    detail: str = ""


def contents_of(file: Path, suffixes: Collection[str]) -> Contents:
    """The videos in a file: of an archive, members with one of the suffixes (lower case, with the
    dot) that are not hidden; of Parquet, see ``video_columns``. Reads headers and names alone."""
    kind = container_kind(file.name)
    if kind == "compressed":
        return Contents((), COMPRESSED, "it is compressed; unpack it, or make it a .tar")
    if kind == "parquet":
        return _of_parquet(file, suffixes)
    return _of_archive(file, kind, suffixes) if kind else Contents()


def video_columns(schema: pa.Schema, suffixes: Collection[str]) -> dict[str, bool]:
    """The columns with the bytes of videos, by name, and whether they hold paths, too.

    These are columns of bytes that are named as a suffix (``mp4``), and columns of ``bytes`` and
    ``path``, as the library ``datasets`` writes videos; there a path says whether it is one.
    """
    found: dict[str, bool] = {}
    for field in schema:
        kind: Any = field.type
        if has_path(kind):
            found[field.name] = True
        elif f".{field.name.lower()}" in suffixes and is_bytes(kind):
            found[field.name] = False
    return found


def is_bytes(kind: Any) -> bool:
    """Whether a type of Arrow is one of bytes."""
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def has_bytes(kind: Any) -> bool:
    """Whether a type of Arrow is a struct with a field ``bytes``."""
    return bool(
        pa.types.is_struct(kind)
        and kind.get_field_index("bytes") >= 0
        and is_bytes(kind.field("bytes").type)
    )


def has_path(kind: Any) -> bool:
    """Whether it has a field ``path``, too."""
    return has_bytes(kind) and kind.get_field_index("path") >= 0


def _of_archive(file: Path, kind: str, suffixes: Collection[str]) -> Contents:
    try:
        found = read_archive(Location(str(file)), kind)
    except OSError as error:
        return Contents((), UNREADABLE, error.strerror or str(error))
    videos = tuple(Inner(name, name) for name in found.spans if _is_video(name, suffixes))
    refused = [why for name, why in found.refused.items() if _is_video(name, suffixes)]
    if found.problem:
        return Contents(videos, UNREADABLE, found.problem)
    if refused:
        detail = f"videos in it that are {refused[0]}: {len(refused)}; unpack it"
        return Contents(videos, COMPRESSED, detail)
    return Contents(videos)


def _of_parquet(file: Path, suffixes: Collection[str]) -> Contents:
    try:
        return Contents(tuple(_cells(file, suffixes)))
    except (pa.ArrowException, ParquetLimitError, OSError) as error:
        return Contents((), UNREADABLE, str(error)[:200])


def _cells(file: Path, suffixes: Collection[str]) -> Iterator[Inner]:
    with file.open("rb") as stream:
        about = pq.ParquetFile(stream)
        for column, has_paths in video_columns(about.schema_arrow, suffixes).items():
            if not has_paths:
                rows = range(about.metadata.num_rows)
                yield from (Inner(f"{column}/{row}", "") for row in rows)
                continue
            for number, row in enumerate(bounded_rows(stream, [f"{column}.path"])):
                path = ((row or {}).get(column) or {}).get("path")
                if isinstance(path, str) and _is_video(path, suffixes):
                    yield Inner(f"{column}/{number}", path)


def _is_video(name: str, suffixes: Collection[str]) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    hidden = any(part.startswith(".") for part in name.split("/") if part not in (".", ".."))
    return not hidden and Path(name).suffix.lower() in suffixes
