"""What happens in a made-up video: it follows from its number and its length alone.

Videos are of halls, in which workers lift boxes and turn wheels, and lamps change. Every text names
the hall, so that no two videos have an ask in common. What a model gets wrong is drawn, too, so
that about as much passes each filter as the shares of the paper's tasks need.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

VALUES = ("red", "green", "blue", "white", "amber")
ASPECTS = ("attribute", "action", "count")
"""Of the lamps of a hall, one after the other."""
LENGTHS = ((30, 3), (60, 4), (120, 5), (240, 6))
"""Up to so many seconds there are so many events, and as many actions."""
MOST = 7
KEPT = {"event": 0.56, "action": 0.45}
"""Of the videos, those all of whose events are located where they are."""
NARRATED = 0.55
CONFIRMED = 0.5
"""Of the questions."""
CHANGED = 0.3
"""Of the turns."""
DENIED = 0.9
"""Of the events that are not in a video."""
SILENT = 0.001
"""Of the asks, those without a valid answer."""

_FRAME = struct.Struct(">IId")


@dataclass(frozen=True)
class Script:
    """A video by its number, of so many seconds."""

    number: int
    seconds: int

    def span(self, place: int) -> tuple[float, float]:
        """Of an event, or action, in seconds."""
        step_s = self.seconds / self.events
        return round((place + 0.1) * step_s, 2), round((place + 0.8) * step_s, 2)

    def located(self, family: str, place: int) -> tuple[float, float]:
        """Where a grounder finds it: one of those of a video is off, if the video is not kept."""
        start_s, end_s = self.span(place)
        off = drawn(self.number, family, "off")
        is_off = off >= KEPT[family] and place == int(off * 1000) % self.events
        by_s = (0.6 if is_off else 0.1) * (end_s - start_s)
        return round(start_s + by_s, 2), round(min(self.seconds, end_s + by_s), 2)

    @property
    def events(self) -> int:
        """How many there are, of each family."""
        return next((n for below_s, n in LENGTHS if self.seconds < below_s), MOST)

    def changes_s(self, lamp: int) -> Sequence[int]:
        """The seconds at which a lamp changes."""
        changes = 2 if self.seconds < LENGTHS[0][0] else 3
        return [(k + 1) * self.seconds // (changes + 1) + lamp for k in range(changes)]


def drawn(*what: object) -> float:
    """A number of [0, 1) that follows from what it is drawn for."""
    digested = hashlib.blake2b(repr(what).encode(), digest_size=6).digest()
    return int.from_bytes(digested, "big") / (1 << 48)


def packed_frame(script: Script, time_s: float) -> bytes:
    """What stands behind the JPEG of a frame."""
    return _FRAME.pack(script.number, script.seconds, time_s)


def seen_in(jpeg: bytes) -> tuple[Script, float]:
    """The video of a frame, and its time in seconds."""
    number, seconds, time_s = _FRAME.unpack(jpeg[-_FRAME.size :])
    return Script(number, seconds), time_s
