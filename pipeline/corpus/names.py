"""What videos and their frames are called in tars, rows and exported folders."""

from __future__ import annotations

import hashlib

from pipeline.records import DialogueHead, FramedSegment


def sample_key(video_id: str) -> str:
    """The name of a video: the first 32 hex digits of the SHA-256 of its id."""
    return hashlib.sha256(video_id.encode()).hexdigest()[:32]


def frame_name(of: DialogueHead | FramedSegment, index: int) -> str:
    """The name of the frame of a turn: where it lies once a tar is unpacked."""
    return f"{sample_key(of.video_id)}/{index:06d}.jpg"
