"""Rows of a manifest as read, before ``ingest`` parses them, and the bounds that protect a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from pipeline.records.digest import canonical_json
from pipeline.store.files.json_objects import object_of

RawRow = Mapping[str, Any]


class RefusedRow(dict[str, Any]):
    """A row that is turned down whatever its file is, so nobody looks for its file."""


LONGEST_LINE_BYTES = 16 << 20
"""An hour of speech with a time for every word takes less than a tenth of it."""
MOST_KEYS = 1000
"""Of a mapping, and columns of a Parquet file. A manifest has ten."""
MOST_LEVELS = 16
"""More than any manifest needs, and few enough to send a row to another process."""

_RESERVED = ("unreadable", "duplicate_of")


def bounded_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number, from 1; None for one longer than ``LONGEST_LINE_BYTES``, of which
    no more than that is held in memory."""
    number = 0
    while line := file.readline(LONGEST_LINE_BYTES + 1):
        number += 1
        whole = len(line) <= LONGEST_LINE_BYTES or line.endswith(b"\n")
        yield number, line if whole else None
        while not whole:
            more = file.readline(LONGEST_LINE_BYTES)
            whole = not more or more.endswith(b"\n")


def parsed_line(line: bytes) -> Any:
    """The value of a line of JSON.

    Raises:
        ValueError: it is none, or an object in it has a key twice: one of two values would be lost
            silently. The message says which.
    """
    try:
        return json.loads(line, object_pairs_hook=object_of)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"not JSON: not text in UTF-8, at byte {error.start} of the line"
        ) from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None


def shape_problem(value: Any, levels: int = MOST_LEVELS) -> str:
    """Which bound plain data exceeds; empty when none."""
    if not isinstance(value, dict | list | tuple):
        return ""
    if levels == 0:
        return f"nested more than {MOST_LEVELS} deep"
    if isinstance(value, dict) and len(value) > MOST_KEYS:
        return f"{len(value)} keys in one mapping are more than {MOST_KEYS}"
    inner = value.values() if isinstance(value, dict) else value
    return next(filter(None, (shape_problem(item, levels - 1) for item in inner)), "")


def row_problem(row: RawRow) -> str:
    """Why a row cannot be passed on; empty when it can. ``ingest`` judges its content."""
    if problem := shape_problem(row):
        return problem
    try:
        canonical_json(row).encode()
    except (TypeError, ValueError) as error:
        return f"not plain data: {error}"
    if reserved := [key for key in _RESERVED if key in row]:
        return f"{reserved[0]}: unknown key"
    video_id = row["video_id"]
    if not isinstance(video_id, str) or not video_id.strip():
        return f"video_id: must be a text that is not blank, not {video_id!r:.100}"
    return ""


def named_row(row: RawRow, number: int) -> RawRow:
    """The row with a ``video_id``: its own, or else made of its uri and clip, of a stream of those
    of all clips; ``number`` where it has none."""
    if "video_id" in row:
        return row
    clips = row.get("clips")
    names = [_name(clip) for clip in (clips if isinstance(clips, list) and clips else [row])]
    if None in names:
        return {"video_id": f"row {number}", **row}
    return {"video_id": "+".join(filter(None, names)), **row}


def _name(clip: Any) -> str | None:
    """By uri and clip; None without a uri."""
    uri = clip.get("uri") if isinstance(clip, dict) else None
    if not isinstance(uri, str):
        return None
    start_s, end_s = clip.get("clip_start_s"), clip.get("clip_end_s")
    return uri if start_s is None and end_s is None else f"{uri}#t={start_s or 0},{end_s or ''}"
