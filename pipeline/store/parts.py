"""Reads and writes parts. A part exists completely or not at all; its name is its identity.

<root>/parts/<node>/<recipe>/recipe.json
<root>/parts/<node>/<recipe>/manifest-00003-<inputs>.jsonl   the manifest rows of a part of a source
<root>/parts/<node>/<recipe>/part-00003-<inputs>.parquet
<root>/parts/<node>/<recipe>/rejects-00003-<inputs>.parquet
<root>/parts/<node>/<recipe>/replies-00003-<inputs>.parquet   the replies of the engine
<root>/parts/<node>/<recipe>/journal-00003-<inputs>/   the same, until the part is written
<root>/parts/<node>/<recipe>/reads-00003-<inputs>.bin   videos that were read, until it is written
<root>/parts/<node>/<recipe>/files-00003-<inputs>/     the files that a dataset stage wrote
"""

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
from pipeline.records.digest import canonical_json
from pipeline.records.schema import schema_of, to_table
from pipeline.store.location import Location

_COUNTS = b"turnwise.counts"


class StoreError(RuntimeError):
    """A file of an existing part cannot be read."""

    def __init__(self, file: Location, error: Exception) -> None:
        """The message says what to do."""
        part = file.with_name(re.sub("^(rejects|replies)-", "part-", file.name))
        super().__init__(f"{file} cannot be read: remove {part} and run again ({error})")


def part_path(root: Location, node: str, recipe: str, shard: int, inputs: str) -> Location:
    """The file of a part."""
    return root / f"parts/{node}/{recipe}/part-{shard:05d}-{inputs}.parquet"


def rejects_path(part: Location) -> Location:
    """The file of a part's rejects."""
    return part.with_name(part.name.replace("part-", "rejects-", 1))


def replies_path(part: Location) -> Location:
    """The file of a part's replies."""
    return part.with_name(part.name.replace("part-", "replies-", 1))


def files_path(part: Location) -> Location:
    """The folder of the files of a dataset stage."""
    return part.with_name(part.stem.replace("part-", "files-", 1))


def reads_path(part: Location) -> Location:
    """The file of what was read of videos for a part that failed."""
    return part.with_name(f"{part.stem.replace('part-', 'reads-', 1)}.bin")


def manifest_path(part: Location) -> Location:
    """The file of the manifest rows that a part of a source is made of."""
    return part.with_name(f"{part.stem.replace('part-', 'manifest-', 1)}.jsonl")


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
    part: Location,
    kind: type[Record],
    rows: Sequence[Record],
    rejects: Sequence[Reject],
    counts: Mapping[str, Any],
    replies: Sequence[ModelReply] | None = None,
) -> None:
    """Write replies and rejects, then the accepted rows, whose file commits the part.

    ``replies``: None for a stage that asks no model.
    """
    if replies is not None:
        _write_table(replies_path(part), ModelReply, replies, _measured(replies))
    _write_table(rejects_path(part), Reject, rejects, counts)
    _write_table(part, kind, rows, counts)


def _measured(replies: Sequence[ModelReply]) -> dict[str, Any]:
    return {
        "replies": len(replies),
        "errors": dict(sorted(Counter(r.error for r in replies if r.error).items())),
        "tokens_cached": sum(r.tokens_cached for r in replies),
        "latency_s": sum(r.latency_s for r in replies),
    }


def new_folder(part: Location) -> Path:
    """An empty folder of this machine for ``keep_folder``, beside the part if that is here too."""
    if part.path is None:
        return Path(tempfile.mkdtemp(prefix="turnwise-"))
    folder = part.path.with_name(f".{part.stem}.{uuid.uuid4().hex}")
    folder.mkdir(parents=True)
    return folder


def keep_folder(folder: Path, part: Location) -> None:
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
    beside = (rejects_path, replies_path, manifest_path, reads_path)
    for file in (part, *(path(part) for path in beside)):
        file.remove()
    files_path(part).remove_tree()


def write_manifest(part: Location, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write the manifest rows that a part of a source is to be made of."""
    manifest_path(part).write_text("".join(f"{canonical_json(row)}\n" for row in rows))


def read_manifest(part: Location) -> Sequence[Mapping[str, Any]]:
    """The rows that ``write_manifest`` wrote."""
    lines = manifest_path(part).read_bytes().splitlines()
    return [json.loads(line) for line in lines]


def write_recipe(folder: Location, recipe: Mapping[str, Any]) -> None:
    """Write the recipe beside its parts, so that a later plan can tell what changed."""
    (folder / "recipe.json").write_text(canonical_json(recipe) + "\n")


def _write_table(
    file: Location, kind: type[Record], rows: Sequence[Record], counts: Mapping[str, Any]
) -> None:
    table = to_table(kind, rows).replace_schema_metadata({_COUNTS: canonical_json(counts)})
    schema = schema_of(kind)
    images = [field.name for field in schema if pa.types.is_binary(field.type)]
    # Encoded images do not compress, and a dictionary would store each one twice.
    options: dict[str, Any] = {"compression": "zstd"}
    if images:
        others = [name for name in schema.names if name not in images]
        options["compression"] = dict.fromkeys(images, "none") | dict.fromkeys(others, "zstd")
        options["use_dictionary"] = others
    with file.writing() as path:
        pq.write_table(table, path, **options)
