"""What files of a corpus, videos and their frames are called."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from pipeline.records import DialogueHead, FramedSegment

_SERIES = r"(?P<group>\d{5,})-\d{3,}(?:_(?P<family>[a-z0-9.-]+))?"
PARQUET: Final = re.compile(rf"(?P<split>\w+)-{_SERIES}\.parquet")
TAR: Final = re.compile(rf"{_SERIES}\.tar")
"""Names of files, see ``corpus/layout.py``."""


def with_family(name: str, family: str) -> str:
    """The name of a file for a family of licences alone."""
    stem, dot, suffix = name.rpartition(".")
    return f"{stem}_{family}{dot}{suffix}"


def sample_key(video_id: str) -> str:
    """The name of a video: the first 32 hex digits of the SHA-256 of its id."""
    return hashlib.sha256(video_id.encode()).hexdigest()[:32]


def frame_name(of: DialogueHead | FramedSegment, index: int) -> str:
    """The name of the frame of a turn: where it lies once a tar is unpacked."""
    return f"{sample_key(of.video_id)}/{index:06d}.jpg"
