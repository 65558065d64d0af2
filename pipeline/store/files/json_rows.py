"""Rows of JSON files of any size, read one at a time; damage costs only the row that it is in.

By hand, since ``ijson`` ends at the first damage, NaN, big integer or invalid UTF-8, loses half
surrogates, and expands deep nesting without a bound.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pipeline.store.files.json_objects import RepeatedKeyError, object_of
from pipeline.store.files.json_text import BLANK, TextWindow
from pipeline.store.files.json_writer import LINE_ENDINGS

MAX_DEPTH: Final = 100
"""Containers within one another, the row itself counted. What is nested deeper is no row."""
ROW_LIMIT: Final = 64 << 20
"""The characters of a row at most."""

_LONGEST_WORD = 16
"""More than the characters of which each may decide whether those before it are JSON."""
_LOOKED_AT = 1 << 20
_LINES_LOOKED_AT = 100
_CLOSING_LIMIT = 1 << 20

_decode = json.JSONDecoder(object_pairs_hook=object_of).raw_decode
_CONTENT = re.compile(rf"[^{BLANK},\[\]]")
_LINE_END = re.compile(r"\n")
_OBJECT = re.compile(r"\{")
_NEXT_OBJECT = re.compile(rf"\}}[{BLANK}]*,[{BLANK}]*\{{")
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_BEHIND_COMMA = re.compile(rf"[^{BLANK},]")
_Brackets = Literal["closed", "crossed", "open"]
_CLOSES = {"{": "}", "[": "]"}


@dataclass(frozen=True)
class JsonRow:
    """One row: its value, or what is wrong with it. ``number`` counts both, from 0."""

    number: int
    value: Any | None
    error: str = ""


class _Damage(Exception):
    """Text that is not JSON, ``offset`` characters behind the beginning of its row."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(f"{what}, {offset} characters on" if offset else what)
        self.offset = offset


def read_json_rows(path: Path) -> Iterator[JsonRow]:
    """The rows of a file in order, whatever its layout: an array of objects, a single object,
    objects one after another, or JSON Lines. The content decides, not the name.

    Lists of objects within lists are as if their brackets were not there, and commas between rows
    may be missing. Values are what ``json`` reads: whole numbers are ``int`` of any size, ``NaN``
    and ``Infinity`` are ``float``, half a surrogate pair as an escape is one in the ``str``. A row
    has an error with its position, by line and byte, if it is no object, is no JSON, has a key
    twice, holds bytes that are not UTF-8, is nested deeper than ``MAX_DEPTH`` or longer than
    ``ROW_LIMIT``. The rows behind it go on: where the file has a row a line, on the next line; else
    behind the brackets of the row, or where they do not match, at the next object that follows
    another. A list that never closes is an error behind the last row. Memory holds one row at a
    time.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        for number, (value, error) in enumerate(_rows(TextWindow(file))):
            yield JsonRow(number, value, error)


def is_single_object(path: Path) -> bool:
    """Whether a file is one JSON object and nothing else, and is not named as JSON Lines.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        text = TextWindow(file)
        if path.suffix.lower() in LINE_ENDINGS or text.peek() != "{":
            return False
        _, error = next(_rows(text))
        return not error and not text.peek()


def _rows(text: TextWindow) -> Iterator[tuple[Any | None, str]]:
    """Each value with no error, or none with one."""
    by_line = _is_by_line(text)
    lists, damaged = 0, False
    while True:
        found = _CONTENT.search(text.held, text.at)
        begins = found.start() if found else len(text.held)
        lists += text.held.count("[", text.at, begins) - text.held.count("]", text.at, begins)
        text.at = begins
        if found is None:
            if text.read():
                continue
            break
        try:
            row = _row(text)
        except _Damage as damage:
            damaged = True
            yield None, f"{text.place()}: {damage}"
            _pass_over(text, damage.offset, by_line)
            text.drop()
            continue
        if row is not None:
            value, end = row
            error = _flaw(text, value, end)
            if error:
                value, error = None, f"{text.place()}: {error}"
            text.at = end
            yield value, error
    if lists > 0 and not damaged:
        yield None, f"{text.place()}: the file ends within a list"


def _is_by_line(text: TextWindow) -> bool:
    """Whether the file has a row a line, judged by its first lines."""
    first = text.peek()
    while len(text.held) - text.at < _LOOKED_AT and text.read():
        pass
    *lines, _ = text.held[text.at :].split("\n", _LINES_LOOKED_AT)
    if first == "[":
        lines = lines[:1]
    elif first != "{":
        return bool(lines)
    return any(line.startswith(first) and _is_whole(line) for line in lines)


def _is_whole(line: str) -> bool:
    try:
        _, end = _decode(line)
    except (ValueError, RecursionError):
        return False
    return not line[end:].strip(BLANK)


def _row(text: TextWindow) -> tuple[Any, int] | None:
    """The value that begins at ``text.at`` and where it ends; None if more had to be read first.

    Raises:
        _Damage: It is no JSON, or too long.
    """
    held, begins = text.held, text.at
    in_line = begins < text.torn
    if in_line:
        ends = held.find("\n", begins)
        if ends < 0 and _read(text):
            return None
        held, begins = held[begins:ends] if ends >= 0 else held[begins:], 0
    try:
        value, end = _decode(held, begins)
    except json.JSONDecodeError as error:
        is_open = error.msg.startswith("Unterminated string")
        if (is_open or error.pos > len(held) - _LONGEST_WORD) and not in_line and _read(text):
            return None
        raise _Damage(error.msg, (len(held) if is_open else error.pos) - begins) from None
    except RecursionError:
        raise _Damage(f"nested deeper than {MAX_DEPTH}", 0) from None
    except RepeatedKeyError as error:
        raise _Damage(str(error), 0) from None
    except ValueError:
        raise _Damage("a whole number of too many digits", 0) from None
    if not isinstance(value, (dict, str)):
        if end > len(held) - _LONGEST_WORD and not in_line and _read(text):
            return None
        if held[end : end + 1] not in f"{BLANK},[]{{":
            raise _Damage("Expecting ',' delimiter", end - begins)
    return value, text.at + end - begins


def _read(text: TextWindow) -> bool:
    """Whether there was more of a row.

    Raises:
        _Damage: The row is too long.
    """
    length = len(text.held) - text.at
    if length > ROW_LIMIT:
        raise _Damage(f"longer than {ROW_LIMIT} characters", length)
    return text.read()


def _flaw(text: TextWindow, value: Any, end: int) -> str:
    """Why the value from ``text.at`` to ``end`` is no row; empty if it is one."""
    if not isinstance(value, dict):
        return f"{'null' if value is None else type(value).__name__} is no row"
    if end - text.at > ROW_LIMIT:
        return f"longer than {ROW_LIMIT} characters"
    if text.has_flaw(end):
        return "bytes that are not UTF-8"
    brackets = text.held.count("{", text.at, end) + text.held.count("[", text.at, end)
    return f"nested deeper than {MAX_DEPTH}" if brackets > MAX_DEPTH and _is_deep(value) else ""


def _is_deep(row: dict[str, Any]) -> bool:
    level: list[Any] = [row]
    for _ in range(MAX_DEPTH):
        inner = (i for outer in level for i in (outer.values() if type(outer) is dict else outer))
        level = [item for item in inner if isinstance(item, (dict, list))]
    return bool(level)


def _pass_over(text: TextWindow, offset: int, by_line: bool) -> None:
    """Moves from the beginning of a row, damaged ``offset`` characters on, to behind the row."""
    if by_line:
        # What was read in vain is not read in vain again, lest each line be read to the end.
        text.torn = max(text.torn, text.at + offset)
        text.seek(_LINE_END, text.at)
    elif text.held[text.at] != "{":
        text.seek(_OBJECT, text.at + offset)
    elif not _pass_over_brackets(text, offset):
        held, damage = text.held, text.at + offset
        before = held[text.at : damage].rstrip(BLANK)
        if held.startswith("{", damage) and before.endswith(","):
            text.at = damage
            return
        last = text.at + len(before.rstrip(BLANK + ",")) - 1
        is_behind = last > text.at and held[last] == "}"
        text.seek(_NEXT_OBJECT, last if is_behind else max(damage, text.at + 1))


def _pass_over_brackets(text: TextWindow, offset: int) -> bool:
    """Whether the brackets of a damaged row match and a row may follow them; then ``text.at`` is
    behind them.
    """
    while text.at >= text.unclosed:
        held, limit = text.held, text.at + offset + _CLOSING_LIMIT
        state, ends = _closing(held, text.at, limit)
        following = _BEHIND_COMMA.search(held, ends) if state == "closed" else None
        if following is None and state != "crossed" and len(held) < limit and text.read():
            continue
        if state != "closed":
            text.unclosed = ends
        elif ends > text.at + offset and (following is None or following.group() in "[]{"):
            text.at = ends
            return True
        else:
            return False
    return False


def _closing(held: str, begins: int, limit: int) -> tuple[_Brackets, int]:
    """What becomes of the brackets of the object that begins there, and where."""
    closing: list[str] = []
    for found in _STRING_OR_BRACKET.finditer(held, begins, limit):
        token = found.group()
        if token in _CLOSES:
            closing.append(_CLOSES[token])
        elif token[0] != '"':
            if closing.pop() != token:
                return "crossed", found.end()
            if not closing:
                return "closed", found.end()
        elif len(token) == 1 or token[-1] != '"':
            break
    return "open", min(limit, len(held))
