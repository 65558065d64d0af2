"""Probing a clip: codec, size and rotation from ffprobe, the timeline from the packets.

The duration that a container declares is not used: some declare none, some declare days.
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

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class StreamFacts:
    """ffprobe's facts of the first video stream that is not a cover picture."""

    codec: str
    size: Size
    """As displayed."""
    rotation_deg: int


def probe(clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
    """Facts of the clip. ``clip.uri`` is a local path.

    ``decode_worker`` enforces the limits of time and memory for the whole process.

    Raises:
        MediaError: the clip holds no readable video, or exceeds a limit.
    """
    path = existing_file(clip.uri, limits)
    facts = stream_facts(path, limits)
    index = pyav_reader.read_packet_index(path, limits)
    timeline = clip_timeline(index, clip)
    width, height = facts.size
    return Probe(
        duration_s=timeline.duration_s,
        width=width,
        height=height,
        rotation_deg=facts.rotation_deg,
        codec=facts.codec,
        frame_rate=_frame_rate(index.shown_pts * float(index.time_base), timeline.duration_s),
        sha256=file_sha256(path),
    )


def stream_facts(path: Path, limits: Limits = DEFAULT_LIMITS) -> StreamFacts:
    """Codec, size and rotation.

    Raises:
        MediaError: ``not_a_video``, ``unsupported_container``, ``no_video_stream``,
            ``unsupported_codec``, ``too_many_pixels`` or ``out_of_memory``; ``decode_crash`` when
            ffprobe itself crashed.
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
        raise MediaError("no_video_stream", "there is no video stream")
    stream = streams[0]
    codec = stream.get("codec_name", "unknown")
    if codec == "unknown":
        raise MediaError("unsupported_codec", "ffprobe does not know the codec")
    rotation_deg = _rotation_deg(stream)
    stored = (int(stream["width"]), int(stream["height"]))
    check_pixels(stored, limits)
    size = displayed_size(stored, _pixel_aspect(stream), rotation_deg)
    return StreamFacts(codec, size, rotation_deg)


def _probe_error(stderr: str) -> MediaError:
    last = stderr.rsplit(": ", 1)[-1]
    if not last:
        return MediaError("decode_crash", "ffprobe ended without an error message")
    if "Format not on whitelist" in stderr:
        name = stderr.removeprefix("[").split(" @ ", 1)[0]
        return MediaError("unsupported_container", f"no file of the kind {name!r} is opened")
    if last == os.strerror(errno.ENOMEM):
        return MediaError("out_of_memory", f"ffprobe: {last}")
    return MediaError("not_a_video", f"ffprobe: {last}")


def _frame_rate(shown_s: npt.NDArray[np.floating], duration_s: float) -> float:
    """Average frames a second of the file; of a single frame, the inverse of its duration."""
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
    """Hexadecimal SHA-256 of the file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
