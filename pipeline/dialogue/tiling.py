"""The tiling of a video into turns: when each starts, and which frame it shows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from math import ceil

from pipeline.errors import ReasonedError
from pipeline.records import Segment

EPSILON_S = 1e-6
"""Two times closer than this are the same time: thirds and tenths of a second are not exact."""

_DECIMALS = 6
"""Of a rate."""
_SHARED = 1 << 12
"""Turns of a video, at most, whose times are kept for the next."""


class DialogueError(ReasonedError):
    """No dialogue can be made of the input. ``reason`` is a short constant."""


@dataclass(frozen=True)
class Tiling:
    """Turn ``i`` is ``[starts[i], starts[i + 1])`` and shows the frame presented at ``frames[i]``.

    ``starts`` has one time more than there are turns: the last is the end of the video.
    """

    video_id: str
    starts: tuple[float, ...]
    frames: tuple[float, ...]
    turns_per_s: float
    """The rate of all turns but the last, which may be shorter, to six decimals."""
    frames_sha256: str = ""
    """See ``DialogueHead``."""

    def __len__(self) -> int:
        """The number of turns."""
        return len(self.frames)

    @property
    def end_s(self) -> float:
        """The end of the video."""
        return self.starts[-1]

    def turn_of(self, time_s: float) -> int:
        """The turn that contains a time; the last one for a time at or after the end."""
        return max(0, min(bisect_right(self.starts, time_s) - 1, len(self) - 1))

    def first_start(self, time_s: float) -> int:
        """The first turn that starts at or after a time; ``len`` where none does."""
        return bisect_left(self.starts, time_s - EPSILON_S, hi=len(self.frames))

    def first_frame(self, time_s: float) -> int:
        """The first turn whose frame was presented at or after a time; ``len`` where none was."""
        return bisect_left(self.frames, time_s - EPSILON_S)


def tiling_of(video_id: str, segments: Sequence[Segment]) -> Tiling:
    """The turns of a video's segments, which may come in any order.

    Raises:
        DialogueError: ``bad_segments`` (none, of another video, not side by side, or not at the
            rate that they state).
    """
    ordered = sorted(segments, key=lambda segment: segment.index)
    if not ordered:
        raise DialogueError("bad_segments", "there are none")
    rate = ordered[0].turns_per_s
    for number, segment in enumerate(ordered):
        if segment.video_id != video_id:
            raise DialogueError("bad_segments", f"{segment.video_id!r} is not {video_id!r}")
        if segment.index != number:
            raise DialogueError("bad_segments", f"{segment.index} stands where {number} should")
        if segment.turns_per_s != rate or abs(segment.start_s - number / rate) > EPSILON_S:
            rate_of = f"at {segment.turns_per_s} turns a second"
            detail = f"{number} starts at {segment.start_s}, {rate_of}"
            raise DialogueError("bad_segments", detail)
    for before, after in pairwise(ordered):
        gap = abs(before.end_s - after.start_s) > EPSILON_S
        if before.frame_s > after.frame_s:
            raise DialogueError("bad_segments", f"the frame of {after.index} is an earlier one")
        if gap or after.start_s - before.start_s <= EPSILON_S:
            detail = f"{after.index} starts at {after.start_s}, {before.index} ends at"
            raise DialogueError("bad_segments", f"{detail} {before.end_s}")
    starts = (*(segment.start_s for segment in ordered), ordered[-1].end_s)
    frames = tuple(segment.frame_s for segment in ordered)
    digests = frames_digest([segment.jpeg_sha256 for segment in ordered])
    return Tiling(video_id, starts, frames, round(rate, _DECIMALS), digests)


def frames_digest(digests: Sequence[str]) -> str:
    """The SHA-256 of the digests of frames, in order of turns; empty where one has none."""
    return sha256("".join(digests).encode()).hexdigest() if all(digests) else ""


def even_tiling(video_id: str, duration_s: float, turns_per_s: float) -> Tiling:
    """The turns of a video of which only the duration is known; frames are taken to be on time.

    Raises:
        DialogueError: ``bad_duration``.
    """
    if not 0 < duration_s < float("inf"):
        raise DialogueError("bad_duration", f"{duration_s} s")
    count = max(1, ceil(duration_s * turns_per_s - EPSILON_S))
    frames = even_times(count, turns_per_s)
    return Tiling(video_id, (*frames, duration_s), frames, round(turns_per_s, _DECIMALS))


def even_times(count: int, turns_per_s: float, first: int = 0) -> tuple[float, ...]:
    """When so many turns start, from that of index ``first`` on. Videos share those of a length."""
    if first or count > _SHARED:
        return tuple([i / turns_per_s for i in range(first, first + count)])
    return _shared_times(1 << (count - 1).bit_length(), turns_per_s)[:count]


@lru_cache(maxsize=64)
def _shared_times(count: int, turns_per_s: float) -> tuple[float, ...]:
    return tuple([i / turns_per_s for i in range(count)])
