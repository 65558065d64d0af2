"""What is left of a video when its frames are no longer shown: words."""

from __future__ import annotations

from typing import Literal

from pipeline.records.base import THIS_CALL, Provenance, Record, Seconds

MemoryLevel = Literal["middle", "long"]
"""``middle``: of one stretch of a video; ``long``: of several, merged into one."""


class Remembered(Record):
    """What was seen and said in ``[start_s, end_s)`` of a video, in words."""

    level: MemoryLevel
    start_s: Seconds
    end_s: Seconds
    text: str


class Summary(Remembered):
    """What a stage makes of a stretch, or of several."""

    video_id: str = ""
    provenance: Provenance | None = THIS_CALL
    """The model call that wrote it; null where nothing was said in the stretch."""
    parent_ids: list[str] = []
    """The annotations whose lines it is made of."""
    writers: list[str] = []
    """The models behind what it is made of, each as ``model@revision`` once."""
