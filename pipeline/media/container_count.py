"""What a container says of its frames, as OpenCV reads it, to compare with tools that use it."""

from __future__ import annotations

import os
from pathlib import Path

import cv2

from pipeline.media.base import MediaError
from pipeline.media.containers import OPTIONS
from pipeline.media.reasons import NOT_A_VIDEO


def container_count(path: Path) -> tuple[int, float]:
    """The number of frames, and frames a second, by the header. Neither need be true.

    Raises:
        MediaError: ``not_a_video``.
    """
    # The one way to hand OpenCV's FFmpeg an option; it is read whenever a file is opened.
    options = "|".join(f"{name};{value}" for name, value in OPTIONS.items())
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = options
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not capture.isOpened():
            raise MediaError(NOT_A_VIDEO, f"{path} cannot be opened")
        return int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), float(capture.get(cv2.CAP_PROP_FPS))
    finally:
        capture.release()
