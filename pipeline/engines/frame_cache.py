"""What is made of a frame, kept for the next ask that shows it.

Asks about a video show the same frames again and again, and go to the engine one after the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sized
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V", bound=Sized)

KEPT_BYTES = 32 << 20
"""Of JPEGs and what was made of them, together: a thousand frames, or four videos of 256."""


class FrameCache(Generic[V]):
    """A function of a JPEG that remembers the last frames. Safe to use from several threads."""

    def __init__(self, make: Callable[[bytes], V], kept_bytes: int = KEPT_BYTES) -> None:
        """Holds at most ``kept_bytes``, with the JPEGs, which others may hold too."""
        self._make = make
        self._left_bytes = kept_bytes
        self._made: OrderedDict[bytes, V] = OrderedDict()
        self._lock = Lock()

    def __call__(self, jpeg: bytes) -> V:
        """What ``make`` gives for it."""
        with self._lock:
            if jpeg in self._made:
                self._made.move_to_end(jpeg)
                return self._made[jpeg]
        made = self._make(jpeg)
        with self._lock:
            if jpeg not in self._made:
                self._made[jpeg] = made
                self._left_bytes -= len(jpeg) + len(made)
            while self._left_bytes < 0:
                other, value = self._made.popitem(last=False)
                self._left_bytes += len(other) + len(value)
        return made
