"""Reads frames with decord, by timestamp, where that is exact. The only file that imports it.

decord finds the right frame in closed groups. It does not where a picture refers across a keyframe,
nor where the container presents packets at other times than their own. It does not report damage
that the decoder conceals; ``pyav_reader`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from typing import Any

import numpy as np

from pipeline.media.base import MediaError
from pipeline.media.reader.orientation import Orientation
from pipeline.media.reader.packet_index import Image, PacketIndex, Size, T
from pipeline.media.reader.slice import File

EXACT_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "mpeg4", "mjpeg"})
"""Codecs that ``tests`` have clips of. decord reads others, untested."""
_FAULT_TOLERANCE = 1e-9
"""Share of the frames that decord may replace by a neighbour: none."""


def read(
    file: File, index: PacketIndex, wanted: Collection[int], size: Size, use: Callable[[Image], T]
) -> dict[int, T]:
    """A ``FrameReader``.

    Raises:
        MediaError: ``unsupported`` where decord is not exact, or has no build for this platform;
            ``damaged`` where it cannot decode a wanted frame.
    """
    for doubt, reason in _doubts(index):
        if doubt:
            raise MediaError("unsupported", f"decord: {reason}")
    decord = _decord()
    width, height = size
    try:
        video = decord.VideoReader(
            str(file), decord.cpu(0), width, height, num_threads=1, fault_tol=_FAULT_TOLERANCE
        )
        times_s = video.get_frame_timestamp(range(len(video)))[:, 0]
    except (decord.DECORDError, RuntimeError) as error:
        raise MediaError("unsupported", "decord cannot open it") from error
    if not _same_times(index, times_s):
        raise MediaError("unsupported", "decord: its timestamps are not those of the packets")
    found: dict[int, T] = {}
    for pts in sorted(set(wanted)):
        frame = int(np.searchsorted(index.shown_pts, pts))
        try:
            image = video[frame].asnumpy()
        except (decord.DECORDError, RuntimeError) as error:
            detail = f"{len(set(wanted)) - len(found)} of {len(set(wanted))} frames missing"
            raise MediaError("damaged", detail) from error
        if image.shape != (height, width, 3):
            detail = f"decord: a picture of {image.shape}, not {height} x {width}"
            raise MediaError("unsupported", detail)
        found[pts] = use(image)
    return found


def _doubts(index: PacketIndex) -> tuple[tuple[bool, str], ...]:
    return (
        (index.codec not in EXACT_CODECS, f"its codec {index.codec} is untested"),
        (index.orientation != Orientation(), "the picture is rotated or mirrored"),
        (index.colour.hdr is not None, "it does not tone-map HDR"),
        (index.colour.is_added, "its frames do not state their colours, its container does"),
        (index.is_packed, "packets hold several frames each"),
        (index.video_streams != 1, "there are several video streams"),
        (not bool(index.is_shown.all()), "some packets are not shown"),
        (bool(index.is_leading.any()), "pictures refer across a keyframe"),
        (index.shown_pts.size < index.pts.size, "several packets have the same time"),
    )


def _same_times(index: PacketIndex, times_s: Any) -> bool:
    """Whether decord's times match, to a quarter of the least distance of two frames."""
    expected_s = index.shown_pts * float(index.time_base)
    if len(times_s) != expected_s.size:
        return False
    closest_s = float(np.diff(expected_s).min(initial=1.0))
    return bool(np.abs(np.asarray(times_s, dtype=np.float64) - expected_s).max() < closest_s / 4)


def _decord() -> Any:
    try:
        return import_module("decord")
    except ImportError as error:
        raise MediaError("unsupported", "decord is not installed on this platform") from error
