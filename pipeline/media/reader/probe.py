"""Admitting a video: stream facts from ffprobe, the true timeline from the packets themselves.

Durations that containers declare are not believed: some declare none, some declare days.
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg
import numpy as np
import numpy.typing as npt

from pipeline.media.base import DEFAULT_LIMITS, Clip, Limits, MediaError, Probe
from pipeline.media.reader import pyav_reader
from pipeline.media.reader.container import OPTIONS
from pipeline.media.reader.packet_index import Size, check_pixels, existing_file
from pipeline.media.reader.stills import clockwise_deg, displayed_size
from pipeline.media.reader.timeline import clip_timeline
from pipeline.media.reasons import (
    DECODE_CRASH,
    NO_VIDEO_STREAM,
    NOT_A_VIDEO,
    OUT_OF_MEMORY,
    UNSUPPORTED_CODEC,
    UNSUPPORTED_CONTAINER,
)

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class StreamFacts:
    """What ffprobe says of the first video stream that is not a cover picture."""

    codec: str
    size: Size
    """As displayed."""
    rotation_deg: int


def probe(clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
    """What the clip holds. ``clip.uri`` is a local path.

    Of the limits, time and memory are those of the process (``decode_worker``).

    Raises:
        MediaError: the clip holds no readable video, or more than the limits allow.
    """
    path = existing_file(clip.uri, limits)
    facts = stream_facts(path, limits)
    scan = pyav_reader.scan(path, limits)
    timeline = clip_timeline(scan, clip)
    width, height = facts.size
    return Probe(
        duration_s=timeline.duration_s,
        width=width,
        height=height,
        rotation_deg=facts.rotation_deg,
        codec=facts.codec,
        frame_rate=_frame_rate(scan.shown_pts * float(scan.time_base), timeline.duration_s),
        sha256=file_sha256(path),
    )


def stream_facts(path: Path, limits: Limits = DEFAULT_LIMITS) -> StreamFacts:
    """Codec, size and rotation.

    Raises:
        MediaError: ``not_a_video``, ``unsupported_container``, ``no_video_stream``,
            ``unsupported_codec``, ``too_many_pixels`` or ``out_of_memory``; ``decode_crash`` when
            ffprobe itself gave way.
    """
    try:
        answer: dict[str, Any] = ffmpeg.probe(  # type: ignore[no-untyped-call]
            str(path), v="error", **OPTIONS
        )
    except ffmpeg.Error as error:
        raise _probe_error(error.stderr.decode(errors="replace").strip()) from error
    streams = [
        stream
        for stream in answer["streams"]
        if stream.get("codec_type") == "video" and not stream["disposition"]["attached_pic"]
    ]
    if not streams:
        raise MediaError(NO_VIDEO_STREAM, "there is no video stream")
    stream = streams[0]
    codec = stream.get("codec_name", "unknown")
    if codec == "unknown":
        raise MediaError(UNSUPPORTED_CODEC, "ffprobe does not know the codec")
    rotation_deg = _rotation_deg(stream)
    stored = (int(stream["width"]), int(stream["height"]))
    check_pixels(stored, limits)
    size = displayed_size(stored, _pixel_aspect(stream), rotation_deg)
    return StreamFacts(codec, size, rotation_deg)


def _probe_error(said: str) -> MediaError:
    """What ffprobe's last words mean."""
    last = said.rsplit(": ", 1)[-1]
    if not last:
        return MediaError(DECODE_CRASH, "ffprobe ended without saying why")
    if "Format not on whitelist" in said:
        name = said.removeprefix("[").split(" @ ", 1)[0]
        return MediaError(UNSUPPORTED_CONTAINER, f"no file of the kind {name!r} is opened")
    if last == os.strerror(errno.ENOMEM):
        return MediaError(OUT_OF_MEMORY, f"ffprobe: {last}")
    return MediaError(NOT_A_VIDEO, f"ffprobe: {last}")


def _frame_rate(shown_s: npt.NDArray[np.floating], duration_s: float) -> float:
    """Frames a second, on average over the file; a single frame has only its duration."""
    if shown_s.size == 1:
        return 1 / duration_s
    return float((shown_s.size - 1) / (shown_s[-1] - shown_s[0]))


def _rotation_deg(stream: dict[str, Any]) -> int:
    for fact in stream.get("side_data_list", []):
        if "rotation" in fact:
            return clockwise_deg(float(fact["rotation"]))
    return 0


def _pixel_aspect(stream: dict[str, Any]) -> Fraction | None:
    across, _, down = stream.get("sample_aspect_ratio", "0:1").partition(":")
    return Fraction(int(across), int(down)) if int(down) else None


def file_sha256(path: Path) -> str:
    """Hexadecimal digest of the file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
