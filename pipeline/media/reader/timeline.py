"""Which frame of a clip is on screen at a time: exact arithmetic on ticks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np

from pipeline.media.base import Clip, MediaError
from pipeline.media.reader.packet_index import PacketIndex, Ticks

CLIP_TOLERANCE_S = Fraction(1, 1_000_000)
"""A clip's start is a rounded decimal number; a frame's time is not."""
LONGEST_CLIP_S = 86_400
"""Damaged headers give a few frames a million years; so many turns would take all memory."""


@dataclass(frozen=True, eq=False)
class Timeline:
    """The frames of a clip. Time zero is the presentation time of the first."""

    pts: Ticks
    """Presentation times in ticks, ascending."""
    time_base: Fraction
    end_s: Fraction

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last."""
        return float(self.end_s)

    def frame_s(self, pts: int) -> Fraction:
        """Seconds from time zero to a frame, by its ticks."""
        return (pts - int(self.pts[0])) * self.time_base

    def on_screen(self, time_s: Fraction) -> int:
        """Ticks of the last frame presented at or before a time that is not negative."""
        tick = int(self.pts[0]) + floor(time_s / self.time_base)
        return int(self.pts[np.searchsorted(self.pts, tick, side="right") - 1])


def clip_timeline(index: PacketIndex, clip: Clip) -> Timeline:
    """The frames on screen during the clip; the last is cut where the clip ends.

    Raises:
        MediaError: ``no_frames``, ``clip_outside`` when no frame is on screen during the clip, or
            ``unsupported`` when it is longer than a day.
    """
    pts = index.shown_pts
    if pts.size == 0:
        raise MediaError("no_frames", "the video stream shows no frame")
    first = int(pts[0])
    file_end_s = (int(pts[-1]) - first + _last_ticks(index)) * index.time_base
    start_s = Fraction(clip.clip_start_s) + CLIP_TOLERANCE_S
    end_s = file_end_s
    if clip.clip_end_s is not None:
        end_s = min(end_s, Fraction(clip.clip_end_s))
    if start_s >= end_s:
        detail = f"from {clip.clip_start_s} to {clip.clip_end_s} of {float(file_end_s)} s"
        raise MediaError("clip_outside", detail)
    start_tick = first + floor(start_s / index.time_base)
    end_tick = first + end_s / index.time_base
    begin = int(np.searchsorted(pts, start_tick, side="right")) - 1
    stop = int(np.searchsorted(pts, -floor(-end_tick), side="left"))
    zero_s = (int(pts[begin]) - first) * index.time_base
    if end_s - zero_s > LONGEST_CLIP_S:
        raise MediaError("unsupported", f"{float(end_s - zero_s):.0f} s are more than a day")
    return Timeline(pts[begin:stop], index.time_base, end_s - zero_s)


def _last_ticks(index: PacketIndex) -> int:
    """How long the last frame is shown.

    The duration that the container states counts up to the longest gap between two frames: a wrong
    one must not add seconds that nobody filmed.
    """
    gaps = np.diff(index.shown_pts)
    if gaps.size == 0:
        if index.last_ticks <= 0:
            raise MediaError("no_frames", "a single frame, shown for no known time")
        return index.last_ticks
    if 0 < index.last_ticks <= int(gaps.max()):
        return index.last_ticks
    return max(1, int(np.median(gaps)))
