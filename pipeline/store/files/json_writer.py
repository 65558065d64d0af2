"""Rows of JSON files of any size, written one at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from pydantic_core import PydanticSerializationError, to_json

from pipeline.store.durable import naming, put_file, remove_abandoned, unfinished

LINE_ENDINGS: Final = frozenset({".jsonl", ".ndjson"})
"""Of the names of JSON Lines files."""
JSON_ENDINGS: Final = (".json", *sorted(LINE_ENDINGS))

_BUFFER_BYTES: Final = 1 << 17


class JsonWriter:
    """Writes rows to a file that is there when the ``with`` block ends well, and not before.

    A name that ends in ``.jsonl`` or ``.ndjson`` makes it JSON Lines. Otherwise the bytes are those
    that ``json.dump(rows, file, ensure_ascii=False, indent=indent)`` writes of the list of all
    rows, or, with ``single``, of the one row; without any row it is an empty list in both cases.
    """

    def __init__(
        self,
        path: Path,
        indent: int | None = None,
        *,
        single: bool = False,
        compact: bool = False,
    ) -> None:
        """``indent``: spaces a level, none for everything in one line; JSON Lines have none.

        ``compact``: JSON Lines have no spaces between tokens, and take a third of the time; all
        numbers must be finite.
        """
        self.path = path
        self._lines = path.suffix.lower() in LINE_ENDINGS
        self._single = single and not self._lines
        self._indent = None if self._lines else indent
        self._temporary = unfinished(path)
        self._rows = 0
        self._compact = compact

    def __enter__(self) -> JsonWriter:
        """Raises: OSError."""
        remove_abandoned(self.path)
        self._file = self._temporary.open(
            "w", _BUFFER_BYTES, encoding="utf-8", errors="backslashreplace"
        )
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
            text = (_compact(row) if self._compact else _dumped(row, None)) + "\n"
        elif self._single:
            text = _dumped(row, self._indent)
        else:
            # A list of this row alone, without its brackets, has the row's indentation in the list.
            end = -1 if self._indent is None else -2
            between = ", " if self._indent is None else ","
            text = (between if self._rows else "[") + _dumped([row], self._indent)[1:end]
        with naming(self.path):
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
            with naming(self.path), self._file:
                if kind is None and not self._lines:
                    self._file.write(self._tail())
            if kind is None:
                put_file(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)

    def _tail(self) -> str:
        if not self._rows:
            return "[]"
        if self._single:
            return ""
        return "]" if self._indent is None else "\n]"


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _compact(value: Any) -> str:
    try:
        return to_json(value).decode()
    except PydanticSerializationError:  # half a surrogate pair, which only the other one takes
        return _encode(value)


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
