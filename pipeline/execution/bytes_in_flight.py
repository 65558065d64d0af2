"""How much of the parts that shards read a process may hold at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

MOST_BYTES = 1 << 30
"""Of the files of the parts that shards under way in one process read. What a stage holds of them
are the frames, which lie there as they are: so this bounds those, however many shards there are."""


class BytesInFlight:
    """Lets shards begin while what they read is within the limit; a larger one goes alone."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        """Nothing is held yet."""
        self._most_bytes = most_bytes
        self._held_bytes = 0
        self._changed = Condition()

    @contextmanager
    def holding(self, n_bytes: int) -> Iterator[None]:
        """Waits until there is place, and keeps it during the block."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self._held_bytes or self._held_bytes + n_bytes <= self._most_bytes
            )
            self._held_bytes += n_bytes
        try:
            yield
        finally:
            with self._changed:
                self._held_bytes -= n_bytes
                self._changed.notify_all()
