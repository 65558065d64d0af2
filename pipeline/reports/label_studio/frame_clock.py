"""Seconds of a clip as frames of Label Studio's timeline, and back. Pure.

The timeline counts frames from 1 by a rate that the task states, whatever frames the file has:
frame f stands from (f - 1) / rate to f / rate, in seconds of the file. A range has its last frame
in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Final, Literal

Kind = Literal["instant", "event"]
Frames = tuple[int, int]
"""First and last, both in it."""

OWN_RATE: Final = 24.0
"""Frames a second of the timeline where the file's rate is unknown, or below 1, which Label Studio
takes for seconds a frame. It is its own default."""
_ROUNDING = 1e-6
"""Of a frame: what is closer to the edge of a frame lies on it."""


class OutsideError(ValueError):
    """A range that leaves the clip."""


@dataclass(frozen=True)
class FrameClock:
    """The timeline of a clip of ``duration_s``, which begins at ``clip_start_s`` of its file."""

    frames_per_s: float
    clip_start_s: float
    duration_s: float

    def frames(self, kind: Kind, start_s: float, end_s: float) -> Frames:
        """The frames that a half-open span touches, at least one; of an instant, the one that is
        shown then."""
        first = floor(self._place(start_s) + _ROUNDING) + 1
        if kind == "instant":
            return first, first
        return first, max(first, ceil(self._place(end_s) - _ROUNDING))

    def start_s(self, first: int) -> float:
        """When a frame begins.

        Raises:
            OutsideError: not in the clip.
        """
        return self._inside((first - 1) / self.frames_per_s - self.clip_start_s)

    def end_s(self, last: int) -> float:
        """When a frame ends.

        Raises:
            OutsideError: not in the clip.
        """
        return self._inside(last / self.frames_per_s - self.clip_start_s)

    def _place(self, time_s: float) -> float:
        return (self.clip_start_s + time_s) * self.frames_per_s

    def _inside(self, time_s: float) -> float:
        # The edges of a clip need not be those of frames.
        frame_s = (1 + _ROUNDING) / self.frames_per_s
        if not -frame_s <= time_s <= self.duration_s + frame_s:
            raise OutsideError
        return min(max(time_s, 0.0), self.duration_s)
