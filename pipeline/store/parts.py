"""Reads and writes parts (``part_names``). A part exists completely or not at all."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import CommandError
from pipeline.records import CorpusGroup, ModelReply, Record, Reject, ShardFile
from pipeline.records.digest import canonical_json, digest
from pipeline.records.schema import to_table
from pipeline.store.content import rows_digest
from pipeline.store.durable import make_folders, put_folder, unfinished
from pipeline.store.location import Location
from pipeline.store.part_names import (
    files_path,
    manifest_path,
    part_path,
    reads_path,
    rejects_path,
    replies_path,
    slot_of,
)

_COUNTS = b"turnwise.counts"
_FILES = b"turnwise.files"
_VIDEOS = b"turnwise.videos"
_REST_DIGITS = 8


class StoreError(CommandError):
    """A file of an existing part cannot be read, or is not what the part says."""

    def __init__(self, file: Location, error: Exception, part: Location | None = None) -> None:
        """The message says what to do. ``part``: the one that ``file`` is of, where its name does
        not tell. A file that is absent or damaged is to be made anew. One that cannot be read for
        want of memory, permission, disk or network may be whole.
        """
        passing = isinstance(error, MemoryError) or (
            isinstance(error, OSError)
            and error.errno is not None
            and not isinstance(error, FileNotFoundError)
        )
        part = part or file.with_name(re.sub("^(rejects|replies)-", "part-", file.name))
        todo = "" if passing else f": remove {part} and run again"
        super().__init__(f"{file} cannot be read{todo} ({str(error) or type(error).__name__})")


class KeptFile(NamedTuple):
    """What a part says of one of its files."""

    size_bytes: int
    sha256: str


@contextmanager
def parquet_file(file: Location) -> Iterator[pq.ParquetFile]:
    """Open a file of a part for reading; on this machine it is memory-mapped.

    Raises:
        StoreError: it is absent or damaged.
    """
    try:
        if file.path is not None:
            with pq.ParquetFile(file.path, memory_map=True) as opened:
                yield opened
        else:
            with file.open() as stream, pq.ParquetFile(stream) as opened:
                yield opened
    except (OSError, pa.ArrowException) as error:
        raise StoreError(file, error) from error


def read_table(part: Location, columns: Iterable[str]) -> pa.Table:
    """Columns of a file of a part; rows are in the order in which they were written.

    Raises:
        StoreError: the file is absent or damaged.
    """
    with parquet_file(part) as file:
        return file.read(list(columns))


def read_batches(part: Location, columns: Iterable[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Columns of a file of a part, so many rows at a time; no more of it is in memory.

    Raises:
        StoreError: the file is absent or damaged.
    """
    with parquet_file(part) as file:
        yield from file.iter_batches(rows, columns=list(columns), use_threads=False)


def read_counts(part: Location) -> dict[str, Any]:
    """The counts in a file of a part; reads the file's footer alone.

    Raises:
        StoreError: the file is absent or damaged.
    """
    metadata = _footer(part)
    try:
        counts: dict[str, Any] = json.loads(metadata[_COUNTS])
    except (KeyError, ValueError) as error:
        raise StoreError(part, error) from error
    return counts


def replied_videos(replies: Location) -> Sequence[str] | None:
    """The videos that a file of replies is about; None for one of an earlier version, which does
    not say so. Reads its footer alone.

    Raises:
        StoreError: the file is absent or damaged.
    """
    listed = json.loads(_footer(replies).get(_VIDEOS, b"null"))
    return listed if listed is None or all(listed) else None


def _footer(part: Location) -> Mapping[bytes, bytes]:
    with parquet_file(part) as file:
        return file.metadata.metadata or {}


def read_rows(file: Location) -> int:
    """Number of rows of a file of a part; reads its footer alone.

    Raises:
        StoreError: the file is absent or damaged.
    """
    with parquet_file(file) as opened:
        return int(opened.metadata.num_rows)


def write_part(
    slot: Location,
    kind: type[Record],
    rows: Sequence[Record],
    rejects: Sequence[Reject],
    counts: Mapping[str, Any],
    replies: Sequence[ModelReply] | None = None,
    folder: Path | None = None,
    reused: int = 0,
) -> Location:
    """Write replies and rejects, then the accepted rows, whose file commits the part; returns it.

    ``replies``: None for a stage that asks no model; ``reused``: so many asks were answered by
    replies to others. ``folder``: the files of a stage that writes
    some, of ``new_folder``, which are moved.
    """
    table = to_table(kind, rows)
    refused = to_table(Reject, rejects)
    rest = digest([rows_digest(refused), counts], _REST_DIGITS)
    part = part_path(slot, rows_digest(table), rest)
    said: dict[bytes, Any] = {_COUNTS: counts}
    if folder is not None:
        said[_FILES] = _keep_folder(folder, part, rows)
    if replies is not None:
        videos = sorted({reply.video_id for reply in replies})
        measured = {_COUNTS: _measured(replies) | {"reused": reused}, _VIDEOS: videos}
        _write_table(replies_path(part), to_table(ModelReply, replies), measured)
    _write_table(rejects_path(part), refused, {_COUNTS: counts})
    _write_table(part, table, said)
    return part


def _measured(replies: Sequence[ModelReply]) -> dict[str, Any]:
    return {
        "replies": len(replies),
        "errors": dict(sorted(Counter(r.error for r in replies if r.error).items())),
        "tokens_cached": sum(r.tokens_cached for r in replies),
        "latency_s": sum(r.latency_s for r in replies),
    }


def new_folder(slot: Location) -> Path:
    """An empty folder of this machine for the files of a part, beside it if that is here too."""
    if slot.path is None:
        return Path(tempfile.mkdtemp(prefix="turnwise-"))
    make_folders(slot.path.parent)
    folder = unfinished(slot.path)
    folder.mkdir()
    return folder


def _keep_folder(folder: Path, part: Location, listed: Iterable[Record]) -> dict[str, KeptFile]:
    """Move the folder to ``files_path(part)``, replacing what an interrupted run left there.

    Returns its files by path; the digests of those that ``listed`` is about are taken from there.
    """
    known = {file.path: file.sha256 for row in listed for file in _files_of(row)}
    files = Location.of(folder)
    kept = {
        name: KeptFile(n_bytes, known.get(name) or (files / name).sha256())
        for name, n_bytes in files.walk().items()
    }
    place = files_path(part)
    if place.path is not None:
        put_folder(folder, place.path)
    else:
        copy_folder({name: files / name for name in kept}, place)
    return kept


def _files_of(row: Record) -> Sequence[ShardFile]:
    if isinstance(row, CorpusGroup):
        return row.files
    return [row] if isinstance(row, ShardFile) else []


def kept_files(part: Location) -> Mapping[str, KeptFile]:
    """The files that a part says it has, by path.

    Raises:
        StoreError: the part is absent or damaged.
    """
    listed: Mapping[str, Any] = json.loads(_footer(part).get(_FILES, b"{}"))
    return {name: KeptFile(*about) for name, about in listed.items()}


def has_its_files(part: Location) -> bool:
    """Whether the files of a part are there, by a listing of their sizes.

    Raises:
        StoreError: the part is absent or damaged.
    """
    sizes = {name: about.size_bytes for name, about in kept_files(part).items()}
    return files_path(part).walk() == sizes


def check_files(part: Location, names: Collection[str]) -> None:
    """Read files of a part, and compare them with the digests that it has of them.

    Raises:
        StoreError: one is not what the part says; the message names it.
    """
    kept = kept_files(part)
    for name in names:
        about, file = kept[name], files_path(part) / name
        try:
            if file.sha256() != about.sha256:
                raise ValueError("its bytes are not those that were written")
        except (OSError, ValueError) as error:
            raise StoreError(file, error, part) from error


def copy_folder(files: Mapping[str, Location], place: Location, keep: Collection[str] = ()) -> None:
    """Copy files below a place in their order, then remove all others there but for ``keep``.

    This is not atomic: a reader may meanwhile see old and new files.
    """
    old = place.walk()
    for name, file in files.items():
        file.copy_to(place / name)
    for name in old.keys() - files.keys() - set(keep):
        (place / name).remove()


def discard(part: Location) -> None:
    """Remove a part and the files beside it, if there are any."""
    for file in (part, rejects_path(part), replies_path(part), reads_path(slot_of(part))):
        file.remove()
    files_path(part).remove_tree()


def write_manifest(slot: Location, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the manifest rows that a part of a source is to be made of.

    No part relies on their name, so after a loss of power they may be there or not.
    """
    text = "".join(f"{canonical_json(row)}\n" for row in rows)
    manifest_path(slot).write_bytes(text.encode(), sync_name=False)


def read_manifest(slot: Location) -> Sequence[Mapping[str, Any]]:
    """The rows that ``write_manifest`` wrote."""
    lines = manifest_path(slot).read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def _write_table(file: Location, table: pa.Table, said: Mapping[bytes, Any]) -> None:
    images = [field.name for field in table.schema if pa.types.is_binary(field.type)]
    # Encoded images do not compress, and a dictionary would store each one twice.
    options: dict[str, Any] = {"compression": "zstd"}
    if images:
        others = [name for name in table.schema.names if name not in images]
        options["compression"] = dict.fromkeys(images, "none") | dict.fromkeys(others, "zstd")
        options["use_dictionary"] = others
    footer = {key: canonical_json(value) for key, value in said.items()}
    with file.writing() as path:
        pq.write_table(table.replace_schema_metadata(footer), path, **options)
