"""What a container says of its frames, as OpenCV reads it, to compare with tools that use it."""

from __future__ import annotations

import os

import cv2

from pipeline.media.base import DEFAULT_LIMITS, Clip, Header, Limits, MediaError
from pipeline.media.containers import OPTIONS
from pipeline.media.reasons import NOT_A_VIDEO
from pipeline.media.scan import existing_file


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
