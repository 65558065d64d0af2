"""Readers of annotation files: their records, each with its pointer.

A record that cannot be read becomes an ``Unread`` in its place; no content of a file raises an
error. A file that cannot be opened raises OSError. By hand where pyarrow.dataset or pandas could
read the same: they infer types and stop at the first damaged record, where here it costs itself.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from pipeline.manifest.adapters.entry import Unread
from pipeline.media.contents import contents_of, has_bytes, has_path, is_bytes
from pipeline.media.files import VIDEO_SUFFIXES
from pipeline.media.member import member_uri
from pipeline.store.files.json_objects import object_of
from pipeline.store.files.json_rows import read_json_rows
from pipeline.store.files.parquet_rows import ROW_BYTES, ParquetLimitError, bounded_rows

Reader = Callable[[Path], Iterator[tuple[str, Any]]]

LARGEST_FIELD = 1 << 24
"""The most characters of a field of a table; captions are longer than csv's own limit."""

Pair = Annotated[tuple[float, float], Field(strict=False)]
"""``[start, end]``: a JSON array, which strict validation would not take for a tuple."""

NumberText = Annotated[float, Field(strict=False)]
"""A number in a column of a table, where it is a string."""

Subset = Literal["training", "validation", "testing"]
"""The names of splits in ActivityNet, which many datasets share."""

SPLITS: Final[Mapping[Subset, str]] = {"training": "train", "validation": "val", "testing": "test"}

UNASSIGNED: Final = "unassigned"
"""The split of an entry whose file has no splits."""

_CLOCK = r"([0-9]{1,4}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
_ONE_CLOCK = re.compile(rf"\s*{_CLOCK}\s*")
_CLOCK_PAIR = re.compile(rf"\s*\[\s*'{_CLOCK}'\s*,\s*'{_CLOCK}'\s*\]\s*")


def clock_pair(text: str) -> tuple[float, float] | None:
    """Start and end in seconds of ``['H:MM:SS.fff', 'H:MM:SS.fff']``; None of any other text.

    Fractions are optional.
    """
    found = _CLOCK_PAIR.fullmatch(text)
    if found is None:
        return None
    numbers = found.groups()
    return _seconds(*numbers[:4]), _seconds(*numbers[4:])


def clock_s(text: str) -> float | None:
    """Seconds of ``H:MM:SS.fff``; None of any other text. The fraction is optional."""
    found = _ONE_CLOCK.fullmatch(text)
    return _seconds(*found.groups()) if found else None


def _seconds(hours: str, minutes: str, seconds: str, fraction: str | None) -> float:
    total = 3600 * int(hours) + 60 * int(minutes) + int(seconds)
    # Parsed as one decimal, so that the result is the nearest double.
    return float(f"{total}.{fraction or 0}")


def json_list(path: Path) -> Iterator[tuple[str, Any]]:
    """The objects of a JSON array or of JSON Lines, one at a time; pointers are their numbers.

    A damaged record costs no other.
    """
    for row in read_json_rows(path):
        pointer = str(row.number)
        if row.error:
            yield pointer, Unread(pointer, "damaged", row.error)
        else:
            yield pointer, row.value


def json_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """The JSON value of each line that is not blank; pointers are line numbers from 1.

    For lines that are arrays, which ``json_list`` would flatten: such a line becomes
    ``{"items": [...]}``. Other values are unchanged.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            pointer = str(number)
            try:
                value = json.loads(line, object_pairs_hook=object_of)
            except (ValueError, RecursionError) as error:
                yield pointer, Unread(pointer, "damaged", f"not JSON: {error}"[:200])
                continue
            yield pointer, {"items": value} if isinstance(value, list) else value


def json_members(*below: str) -> Reader:
    """The members of a JSON object, each with its name added as ``key``; pointers are the names.

    ``below`` are the keys that lead to that object. The file is read as a whole: files of this
    layout have some ten megabytes. A member that is no object is unchanged.
    """

    def read(path: Path) -> Iterator[tuple[str, Any]]:
        try:
            found = json.loads(path.read_bytes(), object_pairs_hook=object_of)
        except (ValueError, RecursionError) as error:
            yield "", Unread("", "damaged", f"not JSON: {error}"[:200])
            return
        for name in below:
            found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            where = "/".join(below) or "the top level"
            yield "", Unread("", "malformed", f"{where} is no JSON object")
            return
        for key, member in found.items():
            yield (
                "/".join((*below, key)),
                ({**member, "key": key} if isinstance(member, dict) else member),
            )

    return read


def table(path: Path) -> Iterator[tuple[str, Any]]:
    """The rows of a CSV file as strings by column; pointers are row numbers from 1.

    A row with fewer or more fields than the header is damaged. Bytes that are not UTF-8 become
    U+FFFD, so that they cost no row.
    """
    csv.field_size_limit(LARGEST_FIELD)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        # csv refuses a whole file for a NUL.
        rows = csv.reader(line.replace("\0", "\ufffd") for line in lines)
        header: list[str] | None = None
        number = 0
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                number += 1
                yield str(number), Unread(str(number), "damaged", str(error))
                continue
            if header is None:
                header = row
                continue
            if not row:
                continue
            number += 1
            if len(row) == len(header):
                yield str(number), dict(zip(header, row, strict=True))
            else:
                detail = f"{len(row)} fields, the header has {len(header)}"
                yield str(number), Unread(str(number), "damaged", detail)


def text_lines(path: Path) -> Iterator[tuple[str, Any]]:
    """Each line that is not blank as ``{"line": text}``; pointers are line numbers from 1."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield str(number), {"line": line.rstrip("\r\n")}


def parquet_rows(video: str, *others: str) -> Reader:
    """The rows of a Parquet file, with the named columns or all, but none of bytes; pointers are
    numbers from 0. Where the column ``video`` holds the bytes of videos, it is
    ``{"path": path, "cell": uri}``; the path is None where none is there."""

    def read(path: Path) -> Iterator[tuple[str, Any]]:
        number = 0
        try:
            with path.open("rb") as stream:
                about = pq.ParquetFile(stream)
                kinds: dict[str, Any] = {field.name: field.type for field in about.schema_arrow}
                held = [name for name, kind in kinds.items() if is_bytes(kind) or has_bytes(kind)]
                plain = [name for name in kinds if name not in held]
                paths = [f"{name}.path" for name in held if has_path(kinds[name])]
                columns = [name for name in plain if name in (others or plain)] + paths
                nothing: Iterator[dict[str, Any]] = ({} for _ in range(about.metadata.num_rows))
                for row in bounded_rows(stream, columns) if columns else nothing:
                    if row is None:
                        detail = f"larger than {ROW_BYTES} bytes"
                        yield str(number), Unread(str(number), "damaged", detail)
                    else:
                        if video in held:
                            cell = member_uri(str(path.resolve()), f"{video}/{number}")
                            row[video] = {"path": (row.get(video) or {}).get("path"), "cell": cell}
                        yield str(number), row
                    number += 1
        except (pa.ArrowException, ParquetLimitError) as error:
            yield str(number), Unread(str(number), "damaged", str(error)[:200])

    return read


def video_paths(folder: Path) -> Iterator[tuple[str, Any]]:
    """The videos below a folder, those in containers too, as ``{"path": path, "name": name}``, in
    order; pointers are the paths. ``name`` is the path that a member would have unpacked.

    Hidden files and folders are passed over, and links to folders are not followed.
    """

    def fail(error: OSError) -> None:
        raise error

    for where, folders, names in os.walk(folder, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.startswith("."):
                continue
            path = (Path(where) / name).relative_to(folder).as_posix()
            if name.lower().endswith(VIDEO_SUFFIXES):
                yield path, {"path": path, "name": path}
            for one in contents_of(Path(where) / name, VIDEO_SUFFIXES).videos:
                uri = member_uri(path, one.member)
                yield uri, {"path": uri, "name": one.path}
