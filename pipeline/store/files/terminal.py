"""What stands between texts from outside and a terminal: no character of theirs that it acts on."""

from __future__ import annotations

import json
import sys
import traceback
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TextIO, cast

_CONTROL = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are shown as escapes: control characters and what turns the direction of
writing, is not seen, or means nothing to this version of Unicode."""


def escaped(text: str, keep: str = "") -> str:
    """The text with escapes such as ``\\u001b`` for characters that a terminal may act on.

    Those of ``keep`` stay. The escapes are those of JSON, so JSON stays the same JSON. What is
    escaped once is not escaped again.
    """
    if text.isprintable():
        return text
    return "".join(
        json.dumps(char)[1:-1]
        if char not in keep and unicodedata.category(char) in _CONTROL
        else char
        for char in text
    )


@contextmanager
def escaping() -> Iterator[None]:
    """While the block lasts, all that is written to ``sys.stdout`` and ``sys.stderr`` is escaped,
    but for line ends: by this program, by warnings and tracebacks, and by libraries.
    """
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, _Escaping(unescaped(stream))) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def unescaped(stream: TextIO) -> TextIO:
    """The stream itself, for colours of this program's own; texts from outside are ``escaped`` by
    who writes them there."""
    return stream.stream if isinstance(stream, _Escaping) else stream


def say_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """A ``sys.excepthook`` that writes the traceback escaped."""
    with escaping():
        traceback.print_exception(kind, error, trace)


class _Escaping:
    """Stands for a stream of text; has no ``buffer``, past which there would be a way round."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        lines = text.split("\n")
        self.stream.write("\n".join(map(escaped, lines)))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if name in ("buffer", "detach"):
            raise AttributeError(name)
        return getattr(self.stream, name)
