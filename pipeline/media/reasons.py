"""The values of ``MediaError.reason``: why a video cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

Reason = Literal[
    "missing_file",
    "missing_member",
    "bad_container",
    "unreadable",
    "empty_file",
    "not_a_video",
    "no_video_stream",
    "no_frames",
    "unsupported_codec",
    "unsupported_container",
    "unsupported",
    "damaged",
    "encrypted",
    "clip_outside",
    "decode_timeout",
    "decode_crash",
    "too_large",
    "too_many_pixels",
    "too_many_frames",
    "out_of_memory",
]

MEANINGS: Final[Mapping[str, str]] = {
    "missing_file": "There is no such file; relative names start at the manifest's folder.",
    "missing_member": "The tar or zip has no such member; or the Parquet file has no such column or"
    " row, or no bytes there.",
    "bad_container": "The tar, zip or Parquet file that holds the video cannot be read.",
    "unreadable": "The place of the file cannot be read, or not now: permission, credentials, a"
    " disk, the network. That is no verdict on the video: a run fails its shard, and asks again.",
    "empty_file": "The file has no bytes.",
    "not_a_video": "The file cannot be opened as a video: it is none, or its beginning is lost.",
    "no_video_stream": "The file can be opened, but holds no moving picture; perhaps sound alone.",
    "no_frames": "The video stream shows no frame, or a single one for no known time.",
    "unsupported_codec": "There is no decoder here for the codec of the video.",
    "unsupported_container": "Files of this kind are not opened: a playlist, for one, would open"
    " other files.",
    "unsupported": "The file is sound, but cannot be read exactly or in place: the reader that was"
    " asked for (`reader`) cannot, the clip is longer than a day, or a container is compressed.",
    "damaged": "The file ends too early, or some of its frames cannot be decoded.",
    "encrypted": "The frames cannot be read without a key.",
    "clip_outside": "The clip (`clip_start_s`, `clip_end_s`) is not within the video.",
    "decode_timeout": "Reading the video took longer than `timeout_s` allows.",
    "decode_crash": "The process that reads the video died of it, twice.",
    "too_large": "The file has more bytes than `max_file_bytes` allows.",
    "too_many_pixels": "A picture of the video has more pixels than `max_frame_pixels` allows.",
    "too_many_frames": "The video has more frames than `max_frames` allows.",
    "out_of_memory": "Reading the video took more memory than `memory_bytes` allows.",
}
"""What each means, in a sentence for users; names in backquotes are settings or keys of a row."""
PASSING: Final[frozenset[str]] = frozenset({"missing_file", "unreadable"})
"""Those that are faults of the place of a video, and not of the video: they may pass."""
