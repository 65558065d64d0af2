"""What a container says of its frames, as OpenCV reads it, to compare with tools that use it."""

from __future__ import annotations

import os

import cv2

from pipeline.media.base import DEFAULT_LIMITS, Clip, Header, Limits, MediaError
from pipeline.media.reader.packet_index import existing_file
from pipeline.media.reasons import NOT_A_VIDEO

CONTAINERS = (
    *("mov", "matroska", "avi", "mpegts", "mpeg", "flv", "ogg", "asf", "gif", "mxf", "rm", "wtv"),
    *("dv", "nut", "ivf", "swf", "live_flv", "apng", "yuv4mpegpipe"),
    # a bare stream
    *("h261", "h263", "h264", "hevc", "vvc", "av1", "obu", "m4v", "mpegvideo", "mjpeg", "vc1"),
    # sound alone, of which it is said that it has no video
    *("mp3", "wav", "flac", "aac", "ac3", "aiff"),
)
"""Names of demuxers. One of several names, as ``mov,mp4,...``, is listed when any of them is."""

OPTIONS = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "file"}
"""For libavformat: these containers, from local files, and nothing that they point to elsewhere."""


def container_count(clip: Clip, limits: Limits = DEFAULT_LIMITS) -> Header:
    """Of the whole file. ``clip.uri`` is a local path.

    Raises:
        MediaError: ``missing_file``, ``empty_file``, ``too_large`` or ``not_a_video``.
    """
    path = existing_file(clip.uri, limits)
    # The one way to hand OpenCV's FFmpeg an option; it is read whenever a file is opened.
    options = "|".join(f"{name};{value}" for name, value in OPTIONS.items())
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = options
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise MediaError(NOT_A_VIDEO, f"{path} cannot be opened")
        frames, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        return Header(int(frames), float(rate))
    finally:
        capture.release()
