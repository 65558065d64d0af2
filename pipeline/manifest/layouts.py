"""How annotation files are laid out: readers of their records, with pointers to them.

None of them raises for what a file holds: what cannot be read is an ``Unread`` in its place. A file
that cannot be opened raises OSError.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.dialogue.json_rows import read_json_rows
from pipeline.manifest.entry import Unread

Reader = Callable[[Path], Iterator[tuple[str, Any]]]

LARGEST_FIELD = 1 << 24
"""Characters of one field of a table: captions of hundreds of words go far beyond csv's own."""


def json_list(path: Path) -> Iterator[tuple[str, Any]]:
    """The objects of a JSON array or of JSON Lines, one at a time; pointers are their numbers.

    Damage costs the record that it is in.
    """
    for row in read_json_rows(path):
        pointer = str(row.number)
        if row.error:
            yield pointer, Unread(pointer, "damaged", row.error)
        else:
            yield pointer, row.value


def json_members(*below: str) -> Reader:
    """The members of a JSON object by name, which is their pointer and joins them as ``key``.

    ``below`` are the names that lead to that object. The file is read as a whole: those that are
    laid out so have some ten megabytes. A member that is no object is handed on as it is.
    """

    def read(path: Path) -> Iterator[tuple[str, Any]]:
        try:
            found = json.loads(path.read_bytes())
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
    """The rows of a CSV file as texts by column; pointers are row numbers from 1.

    A row with fewer or more fields than the header is damaged. Bytes that are no UTF-8 become
    U+FFFD, so that they cost no row.
    """
    csv.field_size_limit(LARGEST_FIELD)
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        # NUL is no text, and csv refuses the whole file for it.
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


def parquet_rows(*columns: str) -> Reader:
    """The rows of a Parquet file, of the named columns or all; pointers are numbers from 0."""

    def read(path: Path) -> Iterator[tuple[str, Any]]:
        number = 0
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(256, columns=list(columns) or None):
                    for row in batch.to_pylist():
                        yield str(number), row
                        number += 1
        except pa.ArrowException as error:
            yield str(number), Unread(str(number), "damaged", str(error)[:200])

    return read
