"""The values of ``MediaError.reason``: why a video cannot be read."""

from __future__ import annotations

from typing import Final, Literal, get_args

Reason = Literal[
    "missing_file",
    "empty_file",
    "not_a_video",  # the container cannot be parsed
    "no_video_stream",
    "no_frames",
    "unsupported_codec",
    # Not listed in reader/container.py: a playlist, for one, would open other files.
    "unsupported_container",
    # Not damaged, but the requested reader cannot be exact, the uri has a scheme that cannot be
    # read, or the clip is longer than a day.
    "unsupported",
    "damaged",
    "encrypted",
    "clip_outside",
    "decode_timeout",
    "decode_crash",
    # Exceeds the Limits of the request, these four.
    "too_large",
    "too_many_pixels",
    "too_many_frames",
    "out_of_memory",
]
REASONS: Final[frozenset[str]] = frozenset(get_args(Reason))
