"""Reads and writes parts (``part_names``). A part exists completely or not at all."""

from __future__ import annotations

import errno
import json
import re
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.records import ModelReply, Record, Reject
from pipeline.records.digest import canonical_json, digest
from pipeline.records.schema import to_table
from pipeline.store.content import rows_digest
from pipeline.store.location import Location
from pipeline.store.part_names import (
    files_path,
    manifest_path,
    part_path,
    rejects_path,
    replies_path,
)

_COUNTS = b"turnwise.counts"
_REST_DIGITS = 8


class StoreError(RuntimeError):
    """A file of an existing part cannot be read."""

    def __init__(self, file: Location, error: Exception) -> None:
        """The message says what to do."""
        part = file.with_name(re.sub("^(rejects|replies)-", "part-", file.name))
        super().__init__(f"{file} cannot be read: remove {part} and run again ({error})")


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


def read_counts(part: Location) -> dict[str, Any]:
    """The counts in a file of a part; reads the file's footer alone.

    Raises:
        StoreError: the file is absent or damaged.
    """
    with parquet_file(part) as file:
        metadata = file.metadata.metadata or {}
    try:
        counts: dict[str, Any] = json.loads(metadata[_COUNTS])
    except (KeyError, ValueError) as error:
        raise StoreError(part, error) from error
    return counts


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
) -> Location:
    """Write replies and rejects, then the accepted rows, whose file commits the part; returns it.

    ``replies``: None for a stage that asks no model. ``folder``: the files of a dataset stage, of
    ``new_folder``, which are moved.
    """
    table = to_table(kind, rows)
    refused = to_table(Reject, rejects)
    rest = digest([rows_digest(refused), counts], _REST_DIGITS)
    part = part_path(slot, rows_digest(table), rest)
    if folder is not None:
        _keep_folder(folder, part)
    if replies is not None:
        _write_table(replies_path(part), to_table(ModelReply, replies), _measured(replies))
    _write_table(rejects_path(part), refused, counts)
    _write_table(part, table, counts)
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
    folder = slot.path.with_name(f".{slot.name}.{uuid.uuid4().hex}")
    folder.mkdir(parents=True)
    return folder


def _keep_folder(folder: Path, part: Location) -> None:
    """Move the folder to ``files_path(part)``, replacing what an interrupted run left there."""
    place = files_path(part)
    if place.path is not None:
        put_folder(folder, place.path)
        return
    files = Location.of(folder)
    copy_folder({name: files / name for name in files.walk()}, place)


def copy_folder(files: Mapping[str, Location], place: Location) -> None:
    """Copy files below a place in their order, then remove all others there.

    This is not atomic: a reader may meanwhile see old and new files.
    """
    old = place.walk()
    for name, file in files.items():
        file.copy_to(place / name)
    for name in old.keys() - files.keys():
        (place / name).remove()


def put_folder(fresh: Path, place: Path) -> None:
    """Rename a complete folder to a place, replacing what is there; concurrent calls leave one."""
    while True:
        try:
            fresh.rename(place)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
        else:
            return
        old = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
        with suppress(FileNotFoundError):
            place.rename(old)
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)


def discard(part: Location) -> None:
    """Remove a part and the files beside it, if there are any."""
    for file in (part, rejects_path(part), replies_path(part)):
        file.remove()
    files_path(part).remove_tree()


def write_manifest(slot: Location, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the manifest rows that a part of a source is to be made of."""
    manifest_path(slot).write_text("".join(f"{canonical_json(row)}\n" for row in rows))


def read_manifest(slot: Location) -> Sequence[Mapping[str, Any]]:
    """The rows that ``write_manifest`` wrote."""
    lines = manifest_path(slot).read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def write_recipe(folder: Location, recipe: Mapping[str, Any]) -> None:
    """Write the recipe beside its parts, so that a later plan can tell what changed."""
    (folder / "recipe.json").write_text(canonical_json(recipe) + "\n")


def _write_table(file: Location, table: pa.Table, counts: Mapping[str, Any]) -> None:
    images = [field.name for field in table.schema if pa.types.is_binary(field.type)]
    # Encoded images do not compress, and a dictionary would store each one twice.
    options: dict[str, Any] = {"compression": "zstd"}
    if images:
        others = [name for name in table.schema.names if name not in images]
        options["compression"] = dict.fromkeys(images, "none") | dict.fromkeys(others, "zstd")
        options["use_dictionary"] = others
    counted = table.replace_schema_metadata({_COUNTS: canonical_json(counts)})
    with file.writing() as path:
        pq.write_table(counted, path, **options)
