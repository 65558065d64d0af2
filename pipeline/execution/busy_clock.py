"""For what share of its time an engine had something to answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class BusyClock:
    """Adds up the seconds in which at least one thread has asks under way."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        """Time counts from here on."""
        self._now_s = now_s
        self._lock = threading.Lock()
        self._began_s = self._changed_s = now_s()
        self._under_way = 0
        self._busy_s = 0.0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Asks are under way."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def share(self) -> float:
        """Of the time so far, between 0 and 1."""
        with self._lock:
            self._advance()
            passed_s = self._changed_s - self._began_s
            return self._busy_s / passed_s if passed_s else 0.0

    def _add(self, asking: int) -> None:
        with self._lock:
            self._advance()
            self._under_way += asking

    def _advance(self) -> None:
        now_s = self._now_s()
        if self._under_way:
            self._busy_s += now_s - self._changed_s
        self._changed_s = now_s
