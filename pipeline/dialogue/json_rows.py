"""Rows of JSON files of any size, read and written one at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal

import ijson
from ijson.common import JSONError

MAX_DEPTH = 100
"""Containers within one another. What is nested deeper is taken for damage."""

_LINE_ENDINGS = frozenset({".jsonl", ".ndjson"})
_BOM = b"\xef\xbb\xbf"
_BLANK = b" \t\r\n"
_LINE_LIMIT = 1 << 20
_LINES_LOOKED_AT = 100

_STARTS = frozenset({"start_map", "start_array"})
_ENDS = frozenset({"end_map", "end_array"})

_Layout = Literal["object", "values", "lines"]


@dataclass(frozen=True)
class JsonRow:
    """One row: its value, or what is wrong with it. ``number`` counts both, from 0."""

    number: int
    value: Any | None
    error: str = ""


class _Damage(Exception):
    """Where a text stops being JSON."""


def read_json_rows(path: Path) -> Iterator[JsonRow]:
    """The rows of a file in order, whatever its layout: an array of objects, a single object,
    objects one after another, or JSON Lines. The content says which, not the name.

    Lists of objects within lists are as if their brackets were not there. Whole numbers are
    ``int``, others ``float``. A row that is no object has an error. A damaged line of JSON Lines is
    one row with an error and the next line goes on; in the other layouts nothing can be read behind
    the damage, and a row with an error that says where is the last. Damage is also ``NaN``,
    ``Infinity``, a number beyond 63 bits and a sign, more than ``MAX_DEPTH`` levels, and text that
    is not UTF-8. An escape that is half a surrogate pair reads as ``?``. Memory holds one row at a
    time.

    Raises:
        OSError: The file cannot be read.
    """
    number = 0
    with path.open("rb") as file:
        by_line = _layout(file) == "lines"
        _seek_content(file, 0)
        texts: Iterable[tuple[int, bytes | IO[bytes]]] = [(0, file)]
        if by_line:
            texts = ((line, text) for line, text in enumerate(file, 1) if text.strip(_BLANK))
        for line, text in texts:
            place = f"line {line}: " if by_line else ""
            try:
                for value in _values(text):
                    error = "" if isinstance(value, dict) else f"{place}{_kind(value)} is no row"
                    yield JsonRow(number, None if error else value, error)
                    number += 1
            except _Damage as damage:
                yield JsonRow(number, None, f"{place or f'row {number}: '}{damage}")
                number += 1


def is_single_object(path: Path) -> bool:
    """Whether a file is one JSON object and nothing else.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return _layout(file) == "object"


def _layout(file: IO[bytes]) -> _Layout:
    first = _seek_content(file, 0)
    if first not in (b"{", b"["):
        return "lines"
    begins = file.tell()
    if _is_whole(file.readline(_LINE_LIMIT)):
        if _seek_content(file, file.tell()):
            return "lines"
        return "object" if first == b"{" else "values"
    if first == b"[":
        return "values"
    file.seek(begins)
    return _layout_of_objects(file)


def _layout_of_objects(file: IO[bytes]) -> _Layout:
    """Of a file whose first line is the beginning of an object and no more."""
    begins = file.tell()
    values = _values(file)
    try:
        next(values)
    except _Damage:
        file.seek(begins)
        lines = islice(iter(lambda: file.readline(_LINE_LIMIT), b""), _LINES_LOOKED_AT)
        whole = any(line.startswith(b"{") and _is_whole(line) for line in lines)
        return "lines" if whole else "values"
    try:
        return "object" if next(values, None) is None else "values"
    except _Damage:
        return "values"


def _seek_content(file: IO[bytes], position: int) -> bytes:
    """The first byte that is not blank, at which the file then stands; none at the end."""
    file.seek(position)
    if position == 0 and file.read(len(_BOM)) != _BOM:
        file.seek(0)
    while chunk := file.read(1 << 12):
        content = chunk.lstrip(_BLANK)
        if content:
            file.seek(-len(content), 1)
            return content[:1]
    return b""


def _is_whole(line: bytes) -> bool:
    try:
        for _ in _events(line):
            pass
    except _Damage:
        return False
    return True


def _values(text: bytes | IO[bytes]) -> Iterator[Any]:
    """The values of a text one after another, those of outer lists one by one."""
    # The containers around the innermost one that is under construction; None are outer lists.
    around: list[Any] = []
    inner: Any = None
    key = ""
    for event, value in _events(text):
        if event == "map_key":
            key = value
        elif event in _ENDS:
            done, inner = inner, around.pop()
            if inner is None and done is not None:
                yield done
        else:
            item = value
            if event in _STARTS:
                if len(around) == MAX_DEPTH:
                    raise _Damage(f"nested deeper than {MAX_DEPTH}")
                around.append(inner)
                if inner is None and event == "start_array":
                    continue
                item = {} if event == "start_map" else []
            if isinstance(inner, dict):
                inner[key] = item
            elif inner is not None:
                inner.append(item)
            elif item is value:
                yield item
            if item is not value:
                inner = item


def _events(text: bytes | IO[bytes]) -> Iterator[tuple[str, Any]]:
    """What the parser meets. A line is one value, a file any number of them."""
    try:
        if isinstance(text, bytes):
            yield from ijson.basic_parse(text, use_float=True)
        else:
            yield from ijson.basic_parse(text, use_float=True, multiple_values=True)
    except JSONError as error:
        raise _Damage(_told(error)) from error
    except UnicodeDecodeError as error:
        raise _Damage(f"text that is not UTF-8: {error.reason}") from error


def _told(error: JSONError) -> str:
    """One line of what the parser tells in three: what, an excerpt, and an arrow into it."""
    said = error.args[0]
    text = said.decode("utf-8", "backslashreplace") if isinstance(said, bytes) else str(said)
    what, _, excerpt = text.partition("\n")
    near = excerpt.partition("\n")[0].strip()
    return f"{what.rstrip('.')} near {near!r}" if near else what.rstrip(".")


def _kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


class JsonWriter:
    """Writes rows to a file that is there when the ``with`` block ends well, and not before.

    A name that ends in ``.jsonl`` or ``.ndjson`` makes it JSON Lines. Otherwise the bytes are those
    that ``json.dump(rows, file, ensure_ascii=False, indent=indent)`` writes of the list of all
    rows, or, with ``single``, of the one row; without any row it is an empty list in both cases.
    """

    def __init__(self, path: Path, indent: int | None = None, *, single: bool = False) -> None:
        """``indent``: spaces a level, none for everything in one line; JSON Lines have none."""
        self.path = path
        self._lines = path.suffix.lower() in _LINE_ENDINGS
        self._single = single and not self._lines
        self._indent = None if self._lines else indent
        self._temporary = path.with_name(f".{path.name}.part")
        self._rows = 0

    def __enter__(self) -> JsonWriter:
        """Raises: OSError."""
        self._file = self._temporary.open("w", encoding="utf-8", errors="backslashreplace")
        return self

    def write(self, row: Mapping[str, Any] | Sequence[Any]) -> None:
        """Adds a row.

        Raises:
            ValueError: It holds ``NaN`` or an infinity, or is the second of a single one.
            TypeError: It holds what JSON has no word for.
            OSError: The file cannot be written.
        """
        if self._single and self._rows:
            raise ValueError(f"{self.path} holds a single row")
        if self._lines:
            text = _dumped(row, None) + "\n"
        elif self._single:
            text = _dumped(row, self._indent)
        else:
            # A list of this row alone, without its brackets, is the row as it stands in the list.
            end = -1 if self._indent is None else -2
            between = ", " if self._indent is None else ","
            text = (between if self._rows else "[") + _dumped([row], self._indent)[1:end]
        self._file.write(text)
        self._rows += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Closes, and renames unless something was raised."""
        try:
            with self._file:
                if kind is None and not self._lines:
                    self._file.write(self._tail())
            if kind is None:
                self._temporary.replace(self.path)
        finally:
            self._temporary.unlink(missing_ok=True)

    def _tail(self) -> str:
        if not self._rows:
            return "[]"
        if self._single:
            return ""
        return "]" if self._indent is None else "\n]"


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _dumped(value: Any, indent: int | None) -> str:
    return _encode(value) if indent is None else _indented(value, "\n", " " * indent)


def _indented(value: Any, line: str, step: str) -> str:
    # The standard library indents one token at a time, which takes twice as long.
    if isinstance(value, str):
        return _encode(value)
    inner = line + step
    if isinstance(value, dict) and value:
        items = [f"{_encode(key)}: {_indented(item, inner, step)}" for key, item in value.items()]
        return f"{{{inner}{f',{inner}'.join(items)}{line}}}"
    if isinstance(value, (list, tuple)) and value:
        items = [_indented(item, inner, step) for item in value]
        return f"[{inner}{f',{inner}'.join(items)}{line}]"
    return _encode(value)
