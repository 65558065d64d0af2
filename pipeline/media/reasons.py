"""The values of ``MediaError.reason``: why a video cannot be read."""

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
"""Not listed in ``reader/container.py``: a playlist, for one, would open other files."""
UNSUPPORTED: Final = "unsupported"
"""Not damaged, but the requested reader cannot be exact, the uri has a scheme that cannot be read,
or the clip is longer than a day."""
DAMAGED: Final = "damaged"
ENCRYPTED: Final = "encrypted"
CLIP_OUTSIDE: Final = "clip_outside"
DECODE_TIMEOUT: Final = "decode_timeout"
DECODE_CRASH: Final = "decode_crash"
TOO_LARGE: Final = "too_large"
"""This and the next three: exceeds the ``Limits`` of the request."""
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
