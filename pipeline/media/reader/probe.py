"""Probing a clip: codec, size, orientation and timeline from one pass over its packets.

The duration that a container declares is not used: some declare none, some declare days.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.media.base import DEFAULT_LIMITS, Clip, Limits, Probe
from pipeline.media.reader.last_file import file_sha256, packet_index
from pipeline.media.reader.local_file import existing_file
from pipeline.media.reader.timeline import clip_timeline


def probe(clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
    """Facts of the clip. ``clip.uri`` is a local path.

    ``decode_worker`` enforces the limits of time and memory for the whole process.

    Raises:
        MediaError: the clip holds no readable video, or exceeds a limit.
    """
    file = existing_file(clip.uri, limits)
    index = packet_index(file, limits)
    timeline = clip_timeline(index, clip)
    width, height = index.size
    return Probe(
        duration_s=timeline.duration_s,
        width=width,
        height=height,
        rotation_deg=index.orientation.rotation_deg,
        codec=index.codec,
        frame_rate=_frame_rate(index.shown_pts * float(index.time_base), timeline.duration_s),
        sha256=file_sha256(file),
    )


def _frame_rate(shown_s: npt.NDArray[np.floating], duration_s: float) -> float:
    """Average frames a second of the file; of a single frame, the inverse of its duration."""
    if shown_s.size == 1:
        return 1 / duration_s
    return float((shown_s.size - 1) / (shown_s[-1] - shown_s[0]))
