"""What the times of a raw file mean: decided once a file, by evidence over all its rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pipeline.corpus.streamo.raw_fields import (
    UNREADABLE,
    Entry,
    entries_of,
    is_present,
    read_time,
)
from pipeline.store.files.json_rows import read_json_rows

Zero = Literal[0, 1]
Origin = Literal["auto", 0, 1]
"""What ``time``, ``st_time`` and ``end_time`` mean.

1: they count seconds from 1, as the official converter reads them: a question or an instant at
``t`` is in the second ``[t - 1, t)``, an event takes the seconds ``st_time`` to ``end_time``, both
included. 0: they measure seconds from the start: a question or an instant is at ``t``, an event is
``[st_time, end_time)``. ``auto``: the key ``origin`` of a row, else what the file says, see
``OriginFound``. Clocks (``MM:SS``, ``HH:MM:SS``) always measure.
"""

LEAST_SHARE = 0.01
"""Of fewer rows, the evidence may be a mistake in them: the file is named as mixed."""
_MEASURING = frozenset(("fractions", "zeros", "clocks"))
_NOTHING = ("", 0.0)


@dataclass(frozen=True)
class OriginFound:
    """How a file is read, and the rows that it was decided by. Each counts once a kind.

    A count of seconds has no fraction, no 0 and no clock: rows with such times measure. A span of
    whole numbers that begins and ends at the same one is a second long if it counts, and nothing if
    it measures: such rows count. Rows of other whole numbers may be either. If none measures, the
    file counts, as the official converter reads it; else the kind with more rows decides, and a tie
    measures.

    The times of questions are counts although those of responses measure if they are whole numbers
    throughout, of which the least is 1, and the responses have fractions: ``1`` is the first turn.
    """

    rows: int = 0
    """Rows with a time that may be a count, or a clock."""
    fractions: int = 0
    zeros: int = 0
    clocks: int = 0
    measuring: int = 0
    """Rows with any of these three."""
    counting: int = 0
    """Other rows with a span that begins and ends at the same whole number."""
    stated: int = 0
    """Rows that say their ``origin`` themselves, and are read by that; in no other number."""
    questions_count: bool = False
    """The times of questions are whole numbers throughout, of which the least is 1."""
    forced: Zero | None = None
    """What the user says, whatever the rows are."""

    @property
    def responses(self) -> Zero:
        """The origin of the times of responses."""
        if self.forced is not None:
            return self.forced
        return 0 if self.measuring and self.measuring >= self.counting else 1

    @property
    def questions(self) -> Zero:
        """The origin of the times of questions."""
        separate = self.forced is None and self.fractions and self.questions_count
        return 1 if separate else self.responses

    @property
    def mixed(self) -> bool:
        """Whether rows contradict one another, or almost none say what the file is read as."""
        if self.forced is not None or not self.measuring:
            return False
        return self.counting > 0 or self.measuring < LEAST_SHARE * self.rows

    def as_json(self) -> dict[str, Any]:
        """As JSON data."""
        decided = {"origin": self.responses, "question_origin": self.questions}
        return {**decided, "mixed": self.mixed, **asdict(self)}

    def to_text(self) -> str:
        """How the file is read, and why; for people."""
        read = "count seconds from 1" if self.responses else "measure seconds from 0"
        head = f"times {read} (origin {self.responses})"
        if self.forced is not None:
            return f"{head}, as --origin says"
        why = "no row has a fraction, a 0 or a clock"
        if self.measuring:
            why = (
                f"of {self.rows} rows {self.fractions} have fractions, {self.zeros} a 0,"
                f" {self.clocks} clocks"
            )
        if self.counting:
            why += f"; {self.counting} have spans of a single whole number"
        if self.stated:
            why += f"; {self.stated} say their own origin"
        if self.questions != self.responses:
            why += "; times of questions count from 1, being whole numbers of which the least is 1"
        return f"{head}: {why}"

    def mixture(self) -> str:
        """What rows of a mixed file contradict; empty for others."""
        if not self.mixed:
            return ""
        says = "measure" if self.responses == 0 else "count"
        return (
            f"the file is mixed: times of {self.measuring} of {self.rows} rows measure seconds,"
            f" of {self.counting} count them, and the others may do either. All were read as if"
            f" they {says}"
        )

    def warning(self) -> str:
        """What the user of a verb with ``--origin`` should know of a mixed file; empty for
        others."""
        mixture = self.mixture()
        advice = ": give --origin 0 or --origin 1 if that is wrong, or split the file"
        return f"{mixture}{advice}" if mixture else ""


class OriginEvidence:
    """Collects the evidence of rows, in constant memory."""

    def __init__(self) -> None:
        """No row was seen."""
        self._counts = dict.fromkeys(
            ("rows", "fractions", "zeros", "clocks", "measuring", "counting", "stated"), 0
        )
        self._asked_whole, self._asked_least = True, float("inf")

    def add(self, row: object) -> None:
        """Takes in a row; what is no object says nothing."""
        if not isinstance(row, dict):
            return
        if stated_origin(row) is not None:
            self._counts["stated"] += 1
            return
        kinds = self._of_questions(row)
        for entry in entries_of(row.get("response")):
            if isinstance(entry, dict):
                start, end = _seen(entry, "start_s", "st_time"), _seen(entry, "end_s", "end_time")
                kinds.update((start[0], end[0], _seen(entry, "time_s", "time")[0]))
                if start == end and start[0] == "whole":
                    kinds.add("counting")
        kinds.discard("")
        measures = kinds & _MEASURING
        for kind in measures:
            self._counts[kind] += 1
        self._counts["rows"] += bool(kinds)
        self._counts["measuring"] += bool(measures)
        self._counts["counting"] += "counting" in kinds and not measures

    def found(self) -> OriginFound:
        """What all rows so far say."""
        asked = self._asked_whole and self._asked_least == 1
        return OriginFound(questions_count=asked, **self._counts)  # type: ignore[arg-type]

    def _of_questions(self, row: Entry) -> set[str]:
        kinds = set()
        for entry in entries_of(row.get("question")):
            kind, written = _seen(entry, "time_s", "time") if isinstance(entry, dict) else _NOTHING
            if kind:
                self._asked_whole &= kind == "whole"
                self._asked_least = min(self._asked_least, written)
                kinds.add(kind)
        return kinds


def origin_of_rows(rows: Iterable[object]) -> OriginFound:
    """How the rows of a file are read under ``auto``."""
    evidence = OriginEvidence()
    for row in rows:
        evidence.add(row)
    return evidence.found()


def origin_of_file(path: Path, origin: Origin = "auto") -> OriginFound:
    """How a file is read: in one pass over its rows, and without one if ``origin`` says it.

    Raises:
        OSError: the file cannot be read.
    """
    if origin != "auto":
        return OriginFound(forced=origin)
    return origin_of_rows(row.value for row in read_json_rows(path))


def stated_origin(row: Entry) -> Zero | None:
    """The key ``origin`` of a row, if it is one."""
    stated = row.get("origin")
    if isinstance(stated, int) and stated in (0, 1):
        return 1 if stated else 0
    return None


def _seen(entry: Entry, exact_key: str, key: str) -> tuple[str, float]:
    """The kind of a time, empty for none that says anything, and the number.

    A time before 0 says nothing: it stands for a start that is not known.
    """
    value = entry.get(key)
    if value is None or value == "" or (exact_key in entry and is_present(entry, exact_key)):
        return _NOTHING
    return _kind(value) if isinstance(value, (str, int, float)) else _NOTHING


@lru_cache(maxsize=1 << 14, typed=True)
def _kind(value: str | float) -> tuple[str, float]:
    time = read_time({"time": value}, "time_s", "time")
    if time is None or time is UNREADABLE or time.written < 0:
        return _NOTHING
    whole = "whole" if time.written else "zeros"
    kind = "clocks" if time.exact else whole if time.whole else "fractions"
    return kind, time.written
