"""The rows of the manifest: from a JSONL or Parquet file, from a folder, or of the scripted scenes.

Rows stay raw here: ``ingest`` admits or refuses each, so that a bad one costs itself alone. They
are read anew for each pass over them, and never held.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ConfigError
from pipeline.media.scenes.render import render_scenes
from pipeline.records.digest import canonical_json
from pipeline.store.location import Location
from pipeline.workflow.config import SourceSection

LONGEST_LINE_BYTES = 16 << 20
"""An hour of speech with the time of every word takes less than a tenth of it."""
MOST_KEYS = 1000
"""Of one mapping, and columns of a Parquet file. A manifest has ten."""
MOST_LEVELS = 16
"""More than any manifest needs, and few enough to hand a row to another process."""


def bounded_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number, from 1; None for one that is longer than ``LONGEST_LINE_BYTES``.

    Of such a line no more than that is ever held.
    """
    number = 0
    while line := file.readline(LONGEST_LINE_BYTES + 1):
        number += 1
        whole = len(line) <= LONGEST_LINE_BYTES or line.endswith(b"\n")
        yield number, line if whole else None
        while not whole:
            more = file.readline(LONGEST_LINE_BYTES)
            whole = not more or more.endswith(b"\n")


def shape_problem(value: Any, levels: int = MOST_LEVELS) -> str:
    """Why plain data has no shape of a row; empty when it has."""
    if not isinstance(value, dict | list | tuple):
        return ""
    if levels == 0:
        return f"nested more than {MOST_LEVELS} deep"
    if isinstance(value, dict) and len(value) > MOST_KEYS:
        return f"{len(value)} keys in one mapping are more than {MOST_KEYS}"
    inner = value.values() if isinstance(value, dict) else value
    return next(filter(None, (shape_problem(item, levels - 1) for item in inner)), "")


RawRow = Mapping[str, Any]

_OURS = ("unreadable", "duplicate_of")


@dataclass(frozen=True)
class Source:
    """The rows of a manifest, and the folder that their relative paths start from."""

    rows: Iterable[RawRow]
    """Each pass over them reads them anew."""
    root: Location

    def shards(self, videos_per_shard: int) -> Iterator[tuple[RawRow, ...]]:
        """All rows, so many at once."""
        rows = iter(self.rows)
        while shard := tuple(islice(rows, videos_per_shard)):
            yield shard


def read_source(section: SourceSection, limit: int | None = None) -> Source:
    """The first ``limit`` rows of the source, in its own order; a folder is sorted by path.

    Each row is plain JSON data and has a ``video_id``. One without is named by its uri and clip. A
    line that is no JSON object, or holds what JSON or UTF-8 cannot, becomes
    ``{"video_id": "row 17", "unreadable": why}``. A row whose ``video_id`` came before becomes
    ``{"video_id": id, "duplicate_of": its first row}``. Rows count from 1, in JSONL by lines.

    Raises:
        ConfigError: there is no such file or folder, or nothing is in it. A pass over the rows
            raises it too, at its end, where none of them can be read.
    """
    place = Location.of(section.path)
    match section.kind:
        case "scenes":
            place = Location.of(render_scenes(Path(place)))
            root = place.parent
        case "manifest":
            if not place.is_file():
                raise ConfigError(f"source.path: there is no manifest {place}")
            root = place.parent
        case "folder":
            if place.path is None:
                raise ConfigError(
                    f"source.path: not supported: a folder at {place}; list it in a manifest"
                )
            if not place.path.is_dir():
                raise ConfigError(f"source.path: there is no folder {place}")
            root = place
    rows = _Rows(section, place, limit)
    next(iter(rows), None)
    return Source(rows, Location.of(Path(root).resolve()) if root.path else root)


@dataclass(frozen=True)
class _Rows:
    """``read_source`` says what they are."""

    section: SourceSection
    place: Location
    limit: int | None

    def __iter__(self) -> Iterator[RawRow]:
        unread: RawRow | None = None
        read = False
        for row in islice(_unique(self._numbered()), self.limit):
            read = read or "unreadable" not in row
            unread = unread or row
            yield row
        if unread is None:
            raise ConfigError(f"source.path: no videos in {self.place}")
        if not read:
            first = f"{unread['video_id']}: {unread['unreadable']}"
            raise ConfigError(f"source.path: no row of {self.place} can be read; {first}")

    def _numbered(self) -> Iterator[tuple[int, RawRow | str]]:
        if self.section.kind == "folder":
            return enumerate(_folder(self.section, Path(self.place)), 1)
        if self.place.suffix == ".parquet":
            return enumerate(_parquet(self.place), 1)
        return _jsonl(self.place)


def _jsonl(place: Location) -> Iterator[tuple[int, RawRow | str]]:
    """Each line that is not blank with its number; a text says why a line cannot be read."""
    with place.open() as lines:
        for number, line in bounded_lines(lines):
            if line is None:
                yield number, f"longer than {LONGEST_LINE_BYTES} bytes"
                continue
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, f"not JSON: {error}"
                continue
            yield number, row if isinstance(row, dict) else "not a JSON object"


def _parquet(place: Location) -> Iterator[RawRow]:
    try:
        with place.open() as stream, pq.ParquetFile(stream) as file:
            if (columns := file.metadata.num_columns) > MOST_KEYS:
                raise ConfigError(f"source.path: {place}: {columns} columns, at most {MOST_KEYS}")
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    yield _without_nulls(row)
    except (pa.ArrowException, OSError) as error:
        raise ConfigError(f"source.path: {place} is not Parquet: {error}") from None


def _without_nulls(value: Any) -> Any:
    """Parquet has one set of keys for all rows and annotations: null is a key left out."""
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _folder(section: SourceSection, root: Path) -> Iterator[RawRow]:
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        below = file.relative_to(root)
        name, hidden = below.as_posix(), any(part.startswith(".") for part in below.parts)
        if hidden or (section.suffixes and file.suffix.lower() not in section.suffixes):
            continue
        yield {
            "video_id": name,
            "uri": name,
            "source": section.source,
            "licence": section.licence,
            "split": section.split,
        }


def _unique(rows: Iterable[tuple[int, RawRow | str]]) -> Iterator[RawRow]:
    # By digests, for a million of them are held.
    first: dict[bytes, int] = {}
    for number, raw in rows:
        row = {} if isinstance(raw, str) else _named(raw, number)
        problem = raw if isinstance(raw, str) else _problem(row)
        if problem:
            yield {"video_id": f"row {number}", "unreadable": problem}
            continue
        known = first.setdefault(blake2b(row["video_id"].encode(), digest_size=16).digest(), number)
        if known != number:
            row = {"video_id": row["video_id"], "duplicate_of": f"row {known}"}
        yield row


def _named(row: RawRow, number: int) -> RawRow:
    uri = row.get("uri")
    if "video_id" in row:
        return row
    if not isinstance(uri, str):
        return {"video_id": f"row {number}", **row}
    start_s, end_s = row.get("clip_start_s"), row.get("clip_end_s")
    clip = "" if start_s is None and end_s is None else f"#t={start_s or 0},{end_s or ''}"
    return {"video_id": uri + clip, **row}


def _problem(row: RawRow) -> str:
    """Why a row cannot be handed on; empty when it can. What it says, ``ingest`` judges."""
    if problem := shape_problem(row):
        return problem
    try:
        canonical_json(row).encode()
    except (TypeError, ValueError) as error:
        return f"not plain data: {error}"
    if ours := [key for key in _OURS if key in row]:
        return f"{ours[0]}: unknown key"
    video_id = row["video_id"]
    if not isinstance(video_id, str) or not video_id.strip():
        return f"video_id: must be a text that is not blank, not {video_id!r:.100}"
    return ""
