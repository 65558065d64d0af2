"""Reads the fields of questions and responses of a raw row, whatever their types are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import nan
from typing import Any, Final, Literal, TypeGuard, get_args

from pipeline.records import Span
from pipeline.records.annotation import DueBy

_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_CLOCK = re.compile(r"(?:([0-9]+):)?([0-9]+):([0-9]+(?:\.[0-9]*)?)")

_HALF_A_PAIR = re.compile("[\ud800-\udfff]")
_LARGEST_ID = 1 << 63
_LARGEST_S = 1e15
"""Longer than any video, and short of where floats lose the fractions of a second."""

Entry = Mapping[str, Any]
_AT_END: Mapping[str, Any] = {
    "due_s": None,
    "due_by": "end",
    "valid_from_s": None,
    "earliest_answerable_s": None,
    "confirmed_s": [],
    "still_until_s": None,
    "from_memory": False,
}


class Refused(Exception):
    """A question or a response that cannot be used. ``reason`` is a short constant."""

    def __init__(self, reason: str, detail: str = "") -> None:
        """``detail`` describes this case."""
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Time:
    """A time of a row."""

    written: float
    """In seconds, or as a count of them; before 0 for what began before the video."""
    exact: bool
    """In seconds, whatever the origin of the row."""

    def begins_s(self, origin: Literal[0, 1]) -> float:
        """The time in seconds, from 0 on; of a count, the start of that second."""
        return self.written if self.exact else max(0.0, self.written - origin)

    @property
    def whole(self) -> bool:
        """Whether it may be a count."""
        return not self.exact and self.written.is_integer()


UNREADABLE: Final = Time(nan, exact=False)
"""Stands for a value that is no time."""


def entries_of(value: Any) -> Sequence[Any]:
    """The items of nested lists, in order; none for an absent value."""
    if value is None or value == "":
        return ()
    if isinstance(value, list) and list not in map(type, value):  # as nearly always
        return value
    waiting, found = [value], []
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        else:
            found.append(item)
    return found


def is_entry(value: Any) -> TypeGuard[Entry]:
    """Whether a value is an object."""
    return isinstance(value, dict)


def ids_of(entries: Sequence[Any], key: str, letter: str) -> Sequence[str]:
    """The id that each entry has, or one after its position that no other has."""
    names = [id_of(entry.get(key)) if isinstance(entry, dict) else "" for entry in entries]
    if not any(names):
        return _numbered(letter, len(names))
    taken = set(names)
    for position, name in enumerate(names):
        made = f"{letter}{position}"
        while made in taken:
            made += "'"
        names[position] = name or made
    return names


@lru_cache(maxsize=256)
def _numbered(letter: str, count: int) -> tuple[str, ...]:
    return tuple(f"{letter}{position}" for position in range(count))


def id_of(value: Any) -> str:
    """An id as text; empty for what is none."""
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LARGEST_ID:
        return str(value)
    return text_of(value)


def check_entry(entry: Any, name: str, seen: set[str]) -> None:
    """Adds the id of an entry to ``seen``.

    Raises:
        Refused: ``bad_entry`` (no object) or ``duplicate_id``.
    """
    if not is_entry(entry):
        raise Refused("bad_entry", shown(entry))
    if name in seen:
        raise Refused("duplicate_id", name)
    seen.add(name)


def text_of(value: Any) -> str:
    """The text, if it is valid Unicode and not blank; else an empty one."""
    return value if isinstance(value, str) and value.strip() and _writable(value) else ""


def content_of(entry: Entry) -> str:
    """The text of a question or response.

    Raises:
        Refused: ``empty_text`` or ``bad_text``.
    """
    content = entry.get("content")
    if content is None or content == "":
        raise Refused("empty_text")
    if not isinstance(content, str) or not _writable(content):
        raise Refused("bad_text", shown(content))
    if content.isspace():
        raise Refused("empty_text")
    return content


def _writable(text: str) -> bool:
    return text.isascii() or not _HALF_A_PAIR.search(text)


def is_present(entry: Entry, *keys: str) -> bool:
    """Whether one of the keys has a value that is not null and no blank text."""
    for key in keys:
        value = entry.get(key)
        # The comparison with an empty text spares most of the others, in most files.
        if value is not None and value != "" and (not isinstance(value, str) or value.strip()):
            return True
    return False


def read_time(entry: Entry, exact_key: str, key: str) -> Time | None:
    """The exact time if it is there, else the one that may be a count; None where there is neither,
    and ``UNREADABLE`` where that which counts is no time."""
    if exact_key in entry and is_present(entry, exact_key):
        seconds = seconds_of(entry[exact_key])
        return UNREADABLE if seconds is None else Time(seconds, exact=True)
    value = entry.get(key)
    if value is None or value == "":
        return None
    return _time(value) if isinstance(value, (str, int, float)) else UNREADABLE


def check_time(time: Time | None, entry: Entry, exact_key: str, key: str) -> None:
    """Raises Refused ``bad_time`` for ``UNREADABLE``, and names the value."""
    if time is UNREADABLE:
        which = exact_key if is_present(entry, exact_key) else key
        raise Refused("bad_time", f"{which} is {shown(entry[which])}")


@lru_cache(maxsize=1 << 14, typed=True)
def _time(value: str | float) -> Time | None:
    """What a number or a text is as a time; None for a blank one. Most of a file's are the same
    few."""
    clock = None
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        clock = _CLOCK.fullmatch(text)
        if clock:
            hours, minutes, seconds = (float(part or 0) for part in clock.groups())
            value = hours * 3600 + minutes * 60 + seconds
        elif _NUMBER.fullmatch(text):
            value = float(text)
    read = number_of(value)
    return UNREADABLE if read is None else Time(read, exact=clock is not None)


def began_before(entry: Entry, exact_key: str, key: str) -> bool:
    """Whether a time that can be read is before 0."""
    time = read_time(entry, exact_key, key)
    return time is not None and time.written < 0


def exact_s(entry: Entry, key: str) -> float | None:
    """A time in seconds; None where it is absent.

    Raises:
        Refused: ``bad_time``.
    """
    if key not in entry or not is_present(entry, key):
        return None
    seconds = seconds_of(entry[key])
    if seconds is None:
        raise Refused("bad_time", f"{key} is {shown(entry[key])}")
    return seconds


def evidence_of(entry: Entry, otherwise: list[Span]) -> list[Span]:
    """The spans of its evidence; ``otherwise`` where the key is empty.

    Raises:
        Refused: ``bad_evidence``.
    """
    if not is_present(entry, "evidence"):
        return otherwise
    pairs = entry["evidence"]
    spans = []
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        ends = [pair.get("start_s"), pair.get("end_s")] if isinstance(pair, Mapping) else pair
        seconds = [seconds_of(end) for end in ends] if isinstance(ends, list) else []
        if len(seconds) != 2 or seconds[0] is None or seconds[1] is None:
            raise Refused("bad_evidence", shown(pair))
        spans.append(Span(start_s=seconds[0], end_s=seconds[1]))
    return spans


def due_of(entry: Entry) -> Mapping[str, Any]:
    """When a response is due, and what is known of when it may be: the last fields of ``Response``.

    Raises:
        Refused: ``bad_time``, also where nothing known has settled the time.
    """
    if "due_by" not in entry:
        return _AT_END
    by = entry["due_by"]
    times = entry.get("confirmed_s", [])
    confirmed = [seconds_of(time) for time in times] if isinstance(times, list) else [None]
    if by not in get_args(DueBy) or None in confirmed:
        raise Refused("bad_time", f"due by {shown(by)}, confirmed at {shown(times)}")
    known = ("valid_from_s", "earliest_answerable_s")
    return {
        "due_s": exact_s(entry, "due_s"),
        "due_by": by,
        **{name: exact_s(entry, name) for name in known},
        "confirmed_s": confirmed,
        "still_until_s": exact_s(entry, "still_until_s"),
        "from_memory": False,
    }


def seconds_of(value: Any) -> float | None:
    """A number of seconds; None for what is none."""
    number = number_of(value)
    return None if number is None or number < 0 else number


def number_of(value: Any) -> float | None:
    """A number that may be a time, also one before 0; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if -_LARGEST_S < value < _LARGEST_S else None


def shown(value: Any) -> str:
    """A short form of a value for messages: its repr, or the type of a container."""
    if isinstance(value, int) and abs(value) >= _LARGEST_ID:  # Python may refuse to spell it out
        return f"a whole number of {value.bit_length()} bits"
    known = isinstance(value, (str, int, float)) or value is None
    return repr(value)[:60] if known else type(value).__name__
