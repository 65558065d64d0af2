"""The rows of the manifest: from a JSONL or Parquet file, from a folder, or of the scripted scenes.

Rows stay raw here: ``ingest`` admits or refuses each, so that a bad one costs itself alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.config import SourceSection
from pipeline.media.scenes import render_scenes
from pipeline.suggest import ConfigError

RawRow = Mapping[str, Any]


@dataclass(frozen=True)
class Source:
    """The rows of a manifest, and the folder that their relative paths start from."""

    rows: Sequence[RawRow]
    root: Path


def read_source(section: SourceSection, limit: int | None = None) -> Source:
    """The first ``limit`` rows of the source, in its own order; a folder is sorted by path.

    A row without a ``video_id`` is named by its uri and clip. A line that is not a JSON object
    becomes ``{"video_id": "row 17", "unreadable": why}``. A row whose ``video_id`` came before
    becomes ``{"video_id": id, "duplicate_of": its first row}``.

    Raises:
        ConfigError: there is no such file or folder, or it has no rows.
    """
    path = section.path
    match section.kind:
        case "scenes":
            path = render_scenes(path)
            rows, root = _jsonl(path), path.parent
        case "manifest":
            if not path.is_file():
                raise ConfigError(f"source.path: there is no manifest {path}")
            rows = _parquet(path) if path.suffix == ".parquet" else _jsonl(path)
            root = path.parent
        case "folder":
            if not path.is_dir():
                raise ConfigError(f"source.path: there is no folder {path}")
            rows, root = _folder(section), path
    found: list[RawRow] = []
    for row in _unique(map(_named, rows)):
        if limit is not None and len(found) >= limit:
            break
        found.append(row)
    if not found:
        raise ConfigError(f"source.path: no videos in {section.path}")
    return Source(found, root.resolve())


def _jsonl(path: Path) -> Iterator[RawRow]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                yield {"video_id": f"row {number}", "unreadable": f"not JSON: {error}"}
                continue
            if isinstance(row, dict):
                yield row
            else:
                yield {"video_id": f"row {number}", "unreadable": "not a JSON object"}


def _parquet(path: Path) -> Iterator[RawRow]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    # Parquet has one set of columns for all rows: null is a key left out.
                    yield {key: value for key, value in row.items() if value is not None}
    except pa.ArrowInvalid as error:
        raise ConfigError(f"source.path: {path} is not Parquet: {error}") from None


def _folder(section: SourceSection) -> Iterator[RawRow]:
    root = section.path
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        name = file.relative_to(root).as_posix()
        hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
        if hidden or (section.suffixes and file.suffix.lower() not in section.suffixes):
            continue
        yield {
            "video_id": name,
            "uri": name,
            "source": section.source,
            "licence": section.licence,
            "split": section.split,
        }


def _named(row: RawRow) -> RawRow:
    uri = row.get("uri")
    if "video_id" in row or not isinstance(uri, str):
        return row
    start_s, end_s = row.get("clip_start_s"), row.get("clip_end_s")
    clip = "" if start_s is None and end_s is None else f"#t={start_s or 0},{end_s or ''}"
    return {"video_id": uri + clip, **row}


def _unique(rows: Iterator[RawRow]) -> Iterator[RawRow]:
    first: dict[str, int] = {}
    for number, row in enumerate(rows, 1):
        video_id = row.get("video_id")
        if not isinstance(video_id, str):
            yield row
        elif video_id in first:
            yield {"video_id": video_id, "duplicate_of": f"row {first[video_id]}"}
        else:
            first[video_id] = number
            yield row
