"""Probing a clip: the codec from ffprobe, size, orientation and timeline from the packets.

The duration that a container declares is not used: some declare none, some declare days.
"""

from __future__ import annotations

import errno
import hashlib
import os
from typing import Any

import ffmpeg
import numpy as np
import numpy.typing as npt

from pipeline.media.base import DEFAULT_LIMITS, Clip, Limits, MediaError, Probe
from pipeline.media.reader import pyav_reader
from pipeline.media.reader.container import options
from pipeline.media.reader.local_file import existing_file
from pipeline.media.reader.packet_index import check_pixels
from pipeline.media.reader.slice import File, chunks
from pipeline.media.reader.timeline import clip_timeline


def probe(clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Probe:
    """Facts of the clip. ``clip.uri`` is a local path.

    ``decode_worker`` enforces the limits of time and memory for the whole process.

    Raises:
        MediaError: the clip holds no readable video, or exceeds a limit.
    """
    file = existing_file(clip.uri, limits)
    codec = stream_codec(file, limits)
    index = pyav_reader.read_packet_index(file, limits)
    timeline = clip_timeline(index, clip)
    width, height = index.size
    return Probe(
        duration_s=timeline.duration_s,
        width=width,
        height=height,
        rotation_deg=index.orientation.rotation_deg,
        codec=codec,
        frame_rate=_frame_rate(index.shown_pts * float(index.time_base), timeline.duration_s),
        sha256=file_sha256(file),
    )


def stream_codec(file: File, limits: Limits = DEFAULT_LIMITS) -> str:
    """The codec of the first video stream that is not a cover picture, as ffprobe names it.

    Raises:
        MediaError: ``not_a_video``, ``unsupported_container``, ``no_video_stream``,
            ``unsupported_codec``, ``too_many_pixels`` or ``out_of_memory``; ``decode_crash`` when
            ffprobe itself crashed.
    """
    try:
        answer: dict[str, Any] = ffmpeg.probe(  # type: ignore[no-untyped-call]
            str(file), v="error", **options(file)
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
    check_pixels((int(stream["width"]), int(stream["height"])), limits)
    return str(codec)


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


def file_sha256(file: File) -> str:
    """Hexadecimal SHA-256 of its content."""
    digest = hashlib.sha256()
    for chunk in chunks(file):
        digest.update(chunk)
    return digest.hexdigest()
