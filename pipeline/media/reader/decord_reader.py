"""Reading frames through decord, by timestamp, where that is exact. The only file that imports it.

decord finds frames well in closed groups. It goes astray where a picture refers across a keyframe,
and where the container shows other times than the packets bear. Damage that the decoder conceals
passes through it unseen; ``pyav_reader`` notices that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.media.base import MediaError
from pipeline.media.reader.packet_index import Image, PacketIndex, Size, T
from pipeline.media.reasons import DAMAGED, UNSUPPORTED

EXACT_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "mpeg4", "mjpeg"})
"""Codecs that the contract suite has clips of; decord has others, of which nothing is known."""
_NO_FAULT = 1e-9
"""As a share of the frames: none may be replaced by its neighbour."""


def read(
    path: Path, scan: PacketIndex, wanted: Collection[int], size: Size, use: Callable[[Image], T]
) -> dict[int, T]:
    """What ``use`` makes of each wanted frame: a ``FrameReader``.

    Raises:
        MediaError: ``unsupported`` where decord is not exact, or has no build for this platform;
            ``damaged`` where it cannot decode a wanted frame.
    """
    for doubt, reason in _doubts(scan):
        if doubt:
            raise MediaError(UNSUPPORTED, f"decord: {reason}")
    decord = _decord()
    width, height = size
    try:
        video = decord.VideoReader(
            str(path), decord.cpu(0), width, height, num_threads=1, fault_tol=_NO_FAULT
        )
        times_s = video.get_frame_timestamp(range(len(video)))[:, 0]
    except (decord.DECORDError, RuntimeError) as error:
        raise MediaError(UNSUPPORTED, "decord cannot open it") from error
    if not _same_times(scan, times_s):
        raise MediaError(UNSUPPORTED, "decord: its timestamps are not those of the packets")
    found: dict[int, T] = {}
    for pts in sorted(set(wanted)):
        index = int(np.searchsorted(scan.shown_pts, pts))
        try:
            image = video[index].asnumpy()
        except (decord.DECORDError, RuntimeError) as error:
            missing = len(set(wanted)) - len(found)
            raise MediaError(DAMAGED, f"{missing} of {len(set(wanted))} frames missing") from error
        if image.shape != (height, width, 3):
            detail = f"decord: a picture of {image.shape}, not {height} x {width}"
            raise MediaError(UNSUPPORTED, detail)
        found[pts] = use(image)
    return found


def _doubts(scan: PacketIndex) -> tuple[tuple[bool, str], ...]:
    return (
        (scan.codec not in EXACT_CODECS, f"nothing is known of its {scan.codec}"),
        (scan.rotation_deg != 0, "the picture is rotated"),
        (scan.video_streams != 1, "there are several video streams"),
        (not bool(scan.is_shown.all()), "some packets are not shown"),
        (bool(scan.is_leading.any()), "pictures refer across a keyframe"),
        (scan.shown_pts.size < scan.pts.size, "several packets have the same time"),
    )


def _same_times(scan: PacketIndex, times_s: Any) -> bool:
    """Whether decord names the same instants, closely enough to tell neighbours apart."""
    expected_s = scan.shown_pts * float(scan.time_base)
    if len(times_s) != expected_s.size:
        return False
    closest_s = float(np.diff(expected_s).min(initial=1.0))
    return bool(np.abs(np.asarray(times_s, dtype=np.float64) - expected_s).max() < closest_s / 4)


def _decord() -> Any:
    try:
        return import_module("decord")
    except ImportError as error:
        raise MediaError(UNSUPPORTED, "decord is not installed on this platform") from error
