"""A window onto the text of a file, which holds no more than a row needs."""

from __future__ import annotations

import codecs
import re
from typing import IO, Final

BLANK: Final = " \t\r\n"
"""White space in JSON."""

_CHUNK = 1 << 18
_LARGEST_CHUNK = 1 << 24
_BOM = "\ufeff"
_CONTENT = re.compile(f"[^{BLANK}]")
_NO_UTF8 = re.compile("[\udc80-\udcff]")


class TextWindow:
    """The part of a file around ``at``, which only moves forward. Bytes that are not UTF-8 are
    half surrogate pairs (``surrogateescape``), which no UTF-8 reads as.
    """

    held: str
    """The text of the part."""
    at: int
    """In ``held``: where the next row is looked for."""
    torn: int
    """In ``held``: a row that begins before it ends with its line."""
    unclosed: int
    """In ``held``: up to where the brackets of a row were read and did not close."""

    def __init__(self, file: IO[bytes]) -> None:
        """``file`` is at its beginning; a byte order mark is skipped."""
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._ended = False
        self._flawed = False
        self._line, self._byte, self._counted = 1, 0, 0
        self.held, self.at, self.torn, self.unclosed = "", 0, 0, 0
        self.read()
        self.at = int(self.held.startswith(_BOM))

    def read(self) -> bool:
        """Whether there was more; what lies before ``at`` is dropped then, so that ``at`` is 0.

        As much is read as is held from ``at`` on, within bounds, so that a row which is begun again
        after each reading costs little more than one that is held at once.

        Raises:
            OSError: The file cannot be read.
        """
        if self._ended:
            return False
        data = self._file.read(min(max(_CHUNK, len(self.held) - self.at), _LARGEST_CHUNK))
        more = self._decoder.decode(data, final=not data)
        self._ended = not data
        self._flawed = self.has_flaw() or bool(not more.isascii() and _NO_UTF8.search(more))
        self._drop(more)
        return bool(more) or self.read()

    def drop(self) -> None:
        """Drops what lies before ``at`` if it is much: an error of ``json`` counts its lines."""
        if self.at > len(self.held) >> 4:
            self._drop("")

    def peek(self) -> str:
        """Moves ``at`` to the next character that is not blank and returns it; empty at the end.

        Raises:
            OSError: The file cannot be read.
        """
        while True:
            found = _CONTENT.search(self.held, self.at)
            if found:
                self.at = found.start()
                return found.group()
            self.at = len(self.held)
            if not self.read():
                return ""

    def seek(self, wanted: re.Pattern[str], at: int) -> None:
        """Moves to the last character of the next match from ``at`` on, or to the end.

        A match may be cut in two only at a blank or a comma.

        Raises:
            OSError: The file cannot be read.
        """
        while True:
            found = wanted.search(self.held, at)
            if found:
                self.at = found.end() - 1
                return
            self.at = max(at, len(self.held.rstrip(BLANK + ",")) - 1)
            if not self.read():
                self.at = len(self.held)
                return
            at = self.at

    def has_flaw(self, end: int | None = None) -> bool:
        """Whether there are bytes that are not UTF-8 from ``at`` up to ``end``, or to the last."""
        ends = len(self.held) if end is None else end
        return self._flawed and bool(_NO_UTF8.search(self.held, self.at, ends))

    def place(self) -> str:
        """Where ``at`` is in the file: lines count from 1, bytes from 0."""
        self._count()
        return f"line {self._line}, byte {self._byte}"

    def _count(self) -> None:
        passed = self.held[self._counted : self.at]
        self._line += passed.count("\n")
        self._byte += len(passed.encode("utf-8", "surrogateescape"))
        self._counted = self.at

    def _drop(self, more: str) -> None:
        self._count()
        self.torn = max(0, self.torn - self.at)
        self.unclosed = max(0, self.unclosed - self.at)
        self.held = self.held[self.at :] + more
        self.at = self._counted = 0
