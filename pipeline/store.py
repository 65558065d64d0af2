"""Parts on disk. A part exists completely or not at all; its name is its identity.

<root>/parts/<node>/<recipe>/recipe.json
<root>/parts/<node>/<recipe>/part-00003-<inputs>.parquet
<root>/parts/<node>/<recipe>/rejects-00003-<inputs>.parquet
<root>/parts/<node>/<recipe>/replies-00003-<inputs>.parquet   what the engine said
<root>/parts/<node>/<recipe>/journal-00003-<inputs>/   the same, while the part is made
<root>/parts/<node>/<recipe>/files-00003-<inputs>/     what a dataset stage left in its folder
"""

from __future__ import annotations

import errno
import json
import re
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.fingerprint import canonical_json
from pipeline.records import GivenReply, Record, Reject
from pipeline.schema import schema_of, to_table

_COUNTS = b"turnwise.counts"


class StoreError(RuntimeError):
    """A file of a part cannot be read, though the part exists."""

    def __init__(self, path: Path, error: Exception) -> None:
        """The message says what to do."""
        part = path.with_name(re.sub("^(rejects|replies)-", "part-", path.name))
        super().__init__(f"{path} cannot be read: remove {part} and run again ({error})")


def part_path(root: Path, node: str, recipe: str, shard: int, inputs: str) -> Path:
    """Where the part of a shard belongs."""
    return root / "parts" / node / recipe / f"part-{shard:05d}-{inputs}.parquet"


def rejects_path(part: Path) -> Path:
    """Where the rows that were turned down lie."""
    return part.with_name(part.name.replace("part-", "rejects-", 1))


def replies_path(part: Path) -> Path:
    """Where what the engine said lies."""
    return part.with_name(part.name.replace("part-", "replies-", 1))


def files_path(part: Path) -> Path:
    """Where the files of a dataset stage lie."""
    return part.with_name(part.stem.replace("part-", "files-", 1))


def read_table(part: Path, columns: Iterable[str]) -> pa.Table:
    """Some columns of a part, its rows in the order they were written.

    Raises:
        StoreError: the file is absent or damaged.
    """
    try:
        with pq.ParquetFile(part, memory_map=True) as file:
            return file.read(list(columns))
    except (OSError, pa.ArrowException) as error:
        raise StoreError(part, error) from error


def read_counts(part: Path) -> dict[str, Any]:
    """What was counted when a file of a part was written; reads the file's footer alone.

    Raises:
        StoreError: the file is absent or damaged.
    """
    try:
        metadata = pq.read_metadata(part).metadata or {}
        counts: dict[str, Any] = json.loads(metadata[_COUNTS])
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise StoreError(part, error) from error
    return counts


def read_rows(path: Path) -> int:
    """How many rows a file of a part has; reads its footer alone.

    Raises:
        StoreError: the file is absent or damaged.
    """
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(path, error) from error


def write_part(
    part: Path,
    kind: type[Record],
    rows: Sequence[Record],
    rejects: Sequence[Reject],
    counts: Mapping[str, Any],
    replies: Sequence[GivenReply] | None = None,
) -> None:
    """Write replies and refused rows, then the accepted ones: the part's appearance is the commit.

    ``replies`` are None where nothing is asked.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    if replies is not None:
        _write_table(replies_path(part), GivenReply, replies, _measured(replies))
    _write_table(rejects_path(part), Reject, rejects, counts)
    _write_table(part, kind, rows, counts)


def _measured(replies: Sequence[GivenReply]) -> dict[str, Any]:
    return {
        "replies": len(replies),
        "errors": dict(sorted(Counter(r.error for r in replies if r.error).items())),
        "tokens_cached": sum(r.tokens_cached for r in replies),
        "latency_s": sum(r.latency_s for r in replies),
    }


def new_folder(part: Path) -> Path:
    """An empty folder beside the part, for ``keep_folder``."""
    folder = part.with_name(f".{part.stem}.{uuid.uuid4().hex}")
    folder.mkdir(parents=True)
    return folder


def keep_folder(folder: Path, part: Path) -> None:
    """Give the folder its name. What an interrupted run left under that name goes."""
    put_folder(folder, files_path(part))


def put_folder(fresh: Path, place: Path) -> None:
    """Give a complete folder its place; what stood there goes. Of several at once, one stays."""
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


def discard(part: Path) -> None:
    """Remove a part and what lies beside it; nothing happens where there is none."""
    part.unlink(missing_ok=True)
    rejects_path(part).unlink(missing_ok=True)
    replies_path(part).unlink(missing_ok=True)
    shutil.rmtree(files_path(part), ignore_errors=True)


def write_recipe(folder: Path, recipe: Mapping[str, Any]) -> None:
    """Leave the recipe beside its parts, so that a later plan can say what changed."""
    write_text(folder / "recipe.json", canonical_json(recipe) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a small file in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _write_table(
    path: Path, kind: type[Record], rows: Sequence[Record], counts: Mapping[str, Any]
) -> None:
    table = to_table(kind, rows).replace_schema_metadata({_COUNTS: canonical_json(counts)})
    schema = schema_of(kind)
    images = [field.name for field in schema if pa.types.is_binary(field.type)]
    # Encoded images do not shrink, and a dictionary of them would hold each one twice.
    options: dict[str, Any] = {"compression": "zstd"}
    if images:
        others = [name for name in schema.names if name not in images]
        options["compression"] = dict.fromkeys(images, "none") | dict.fromkeys(others, "zstd")
        options["use_dictionary"] = others
    _replace(path, lambda to: pq.write_table(table, to, **options))


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
