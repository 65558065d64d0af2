"""Which containers are opened, and the frame count that OpenCV reads from one.

FFmpeg goes by content, not by file name: a text file with a playlist in it makes FFmpeg open other
files and addresses of its choice, and a name with ``%d`` any pictures beside it. So only the
containers listed here are opened. OpenCV's count serves to compare with tools that use it.
"""

from __future__ import annotations

import os

import cv2

from pipeline.media.base import DEFAULT_LIMITS, Clip, Header, Limits, MediaError
from pipeline.media.reader.local_file import existing_file
from pipeline.media.reader.slice import File, Slice

CONTAINERS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "gif", "mxf", "rm", "wtv"),
    *("dv", "nut", "ivf", "swf", "live_flv", "apng", "yuv4mpegpipe"),
    # elementary streams
    *("h261", "h263", "h264", "hevc", "vvc", "av1", "obu", "m4v", "mpegvideo", "mjpeg", "vc1"),
    # sound only, which is rejected for having no video stream
    *("mp3", "wav", "flac", "aac", "ac3", "aiff"),
)
"""Names of demuxers. Any one name of a demuxer with several, as ``mov,mp4,...``, is enough."""


def options(file: File) -> dict[str, str]:
    """For libavformat: only these containers, and only local files."""
    protocols = "file,subfile" if isinstance(file, Slice) else "file"
    return {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": protocols}


def container_count(clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Header:
    """Frame count and rate of the whole file, as stated by its container. ``clip.uri``: a path.

    Raises:
        MediaError: ``missing_file``, ``empty_file``, ``too_large`` or ``not_a_video``.
    """
    file = existing_file(clip.uri, limits)
    # The only way to pass options to OpenCV's FFmpeg, which reads them whenever it opens a file.
    settings = "|".join(f"{name};{value}" for name, value in options(file).items())
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = settings
    capture = cv2.VideoCapture(str(file), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise MediaError("not_a_video", "OpenCV cannot open it")
        frames, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        return Header(int(frames), float(rate))
    finally:
        capture.release()
