"""Takes what is written to stderr line by line, so that it can go above a bar."""

from __future__ import annotations

import os
import re
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_STDERR = 2
_POLL_MS = 100


@contextmanager
def stderr_lines(take: Callable[[str], None]) -> Iterator[None]:
    """While the block lasts, hand each line to ``take`` that this process, its libraries and the
    processes that it starts write to stderr. A carriage return ends a line too; empty ones are left
    out.

    ``take`` is called from another thread. Children that outlive the block find their stderr
    closed.
    """
    source, sink = os.pipe()
    sys.stderr.flush()
    before = os.dup(_STDERR)
    os.dup2(sink, _STDERR)
    os.close(sink)
    ended = threading.Event()

    def keep_taking() -> None:
        waiting = select.poll()
        waiting.register(source, select.POLLIN)
        rest = b""
        # Children keep the pipe open, so it has no end: it ends when there is nothing more in it.
        while (ready := waiting.poll(_POLL_MS)) or not ended.is_set():
            chunk = os.read(source, 1 << 16) if ready else b""
            if ready and not chunk:
                break
            *lines, rest = re.split(rb"[\r\n]+", rest + chunk)
            for line in filter(None, lines):
                take(line.decode(errors="replace"))
        if rest:
            take(rest.decode(errors="replace"))
        os.close(source)

    thread = threading.Thread(target=keep_taking, name="stderr", daemon=True)
    thread.start()
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(before, _STDERR)
        os.close(before)
        ended.set()
        thread.join()
