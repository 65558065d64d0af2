"""The rows of the manifest: from a JSONL or Parquet file, from a folder, or of the scripted scenes.

Rows stay raw here: ``ingest`` admits or refuses each, so that a bad one costs itself alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import SourceSection
from pipeline.fingerprint import canonical_json
from pipeline.media.base import MediaError
from pipeline.media.decode import local_path
from pipeline.media.scenes import render_scenes
from pipeline.raw_rows import (
    LONGEST_LINE_BYTES,
    MOST_KEYS,
    bounded_lines,
    shape_problem,
)
from pipeline.suggest import ConfigError

RawRow = Mapping[str, Any]

_OURS = ("unreadable", "duplicate_of")


@dataclass(frozen=True)
class Source:
    """The rows of a manifest, and the folder that their relative paths start from."""

    rows: Sequence[RawRow]
    root: Path


def read_source(section: SourceSection, limit: int | None = None) -> Source:
    """The first ``limit`` rows of the source, in its own order; a folder is sorted by path.

    Each row is plain JSON data and has a ``video_id``. One without is named by its uri and clip. A
    line that is no JSON object, or holds what JSON or UTF-8 cannot, becomes
    ``{"video_id": "row 17", "unreadable": why}``. A row whose ``video_id`` came before becomes
    ``{"video_id": id, "duplicate_of": its first row}``. Rows count from 1, in JSONL by lines.

    Raises:
        ConfigError: there is no such file or folder, or it has no rows that can be read.
    """
    path = section.path.expanduser()
    rows: Iterable[tuple[int, RawRow | str]]
    match section.kind:
        case "scenes":
            path = render_scenes(path)
            rows, root = _jsonl(path), path.parent
        case "manifest":
            if not path.is_file():
                raise ConfigError(f"source.path: there is no manifest {path}")
            rows = enumerate(_parquet(path), 1) if path.suffix == ".parquet" else _jsonl(path)
            root = path.parent
        case "folder":
            if not path.is_dir():
                raise ConfigError(f"source.path: there is no folder {path}")
            rows, root = enumerate(_folder(section, path), 1), path
    found = list(islice(_unique(rows), limit))
    if not found:
        raise ConfigError(f"source.path: no videos in {path}")
    if all("unreadable" in row for row in found):
        first = f"{found[0]['video_id']}: {found[0]['unreadable']}"
        raise ConfigError(f"source.path: no row of {path} can be read; {first}")
    return Source(found, root.resolve())


def file_bytes(row: RawRow, root: Path) -> int | None:
    """Size of a row's file, so that one put in the place of another is noticed; None without one.

    The time of its last change would tell more, but differs from one copy of a folder to another.
    """
    uri = row.get("uri")
    if not isinstance(uri, str):
        return None
    try:
        return local_path(uri, root).stat().st_size
    except (MediaError, OSError, ValueError):
        return None


def _jsonl(path: Path) -> Iterator[tuple[int, RawRow | str]]:
    """Each line that is not blank with its number; a text says why a line cannot be read."""
    with path.open("rb") as lines:
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


def _parquet(path: Path) -> Iterator[RawRow]:
    try:
        with pq.ParquetFile(path) as file:
            if (columns := file.metadata.num_columns) > MOST_KEYS:
                raise ConfigError(f"source.path: {path}: {columns} columns, at most {MOST_KEYS}")
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    # Parquet has one set of columns for all rows: null is a key left out.
                    yield {key: value for key, value in row.items() if value is not None}
    except (pa.ArrowException, OSError) as error:
        raise ConfigError(f"source.path: {path} is not Parquet: {error}") from None


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
    first: dict[str, int] = {}
    for number, raw in rows:
        row = {} if isinstance(raw, str) else _named(raw, number)
        problem = raw if isinstance(raw, str) else _problem(row)
        if problem:
            yield {"video_id": f"row {number}", "unreadable": problem}
        elif row["video_id"] in first:
            yield {"video_id": row["video_id"], "duplicate_of": f"row {first[row['video_id']]}"}
        else:
            first[row["video_id"]] = number
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
