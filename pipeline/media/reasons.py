"""Why a video cannot be read: the constants that ``MediaError.reason`` takes."""

from __future__ import annotations

from typing import Final

MISSING_FILE: Final = "missing_file"
EMPTY_FILE: Final = "empty_file"
NOT_A_VIDEO: Final = "not_a_video"
"""The container cannot be parsed."""
NO_VIDEO_STREAM: Final = "no_video_stream"
NO_FRAMES: Final = "no_frames"
UNSUPPORTED_CODEC: Final = "unsupported_codec"
UNSUPPORTED_CONTAINER: Final = "unsupported_container"
"""Not in ``containers.py``: a playlist, say, which would open other files and addresses."""
UNSUPPORTED: Final = "unsupported"
"""Nothing is wrong with it, but the reader that was asked for cannot be exact; or it is no local
file, or longer than a day."""
DAMAGED: Final = "damaged"
ENCRYPTED: Final = "encrypted"
CLIP_OUTSIDE: Final = "clip_outside"
DECODE_TIMEOUT: Final = "decode_timeout"
DECODE_CRASH: Final = "decode_crash"
TOO_LARGE: Final = "too_large"
"""This and the next three: more than the ``Limits`` of the request."""
TOO_MANY_PIXELS: Final = "too_many_pixels"
TOO_MANY_FRAMES: Final = "too_many_frames"
OUT_OF_MEMORY: Final = "out_of_memory"

REASONS: Final = frozenset(
    {
        MISSING_FILE,
        EMPTY_FILE,
        NOT_A_VIDEO,
        NO_VIDEO_STREAM,
        NO_FRAMES,
        UNSUPPORTED_CODEC,
        UNSUPPORTED_CONTAINER,
        UNSUPPORTED,
        DAMAGED,
        ENCRYPTED,
        CLIP_OUTSIDE,
        DECODE_TIMEOUT,
        DECODE_CRASH,
        TOO_LARGE,
        TOO_MANY_PIXELS,
        TOO_MANY_FRAMES,
        OUT_OF_MEMORY,
    }
)
