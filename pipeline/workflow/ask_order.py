"""The order of asks in which an engine with a prefix cache computes little twice."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.engines.base import Ask


def in_order_of_frames(asks: Sequence[Ask]) -> Sequence[int]:
    """The order in which asks go to an engine: video by video, and of a video those next to each
    other that begin with the same frames, fewer before more. So an engine that keeps what it
    computed of a prompt computes each beginning once."""
    videos = {ask.video_id: place for place, ask in reversed([*enumerate(asks)])}
    return sorted(
        range(len(asks)),
        key=lambda i: (videos[asks[i].video_id], [frame.time_s for frame in asks[i].frames]),
    )
