"""Streams of the videos of each split, in the order of their ids: the smallest stage that makes
streams, which tests put among the stages of a checkout.

reads:  Video (all shards)
writes: Video, one a stream of so many clips; the last may have fewer
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import Field

from pipeline.records import Reject, Video
from pipeline.records.digest import digest
from pipeline.records.streams import stream_of
from pipeline.workflow.stage import Context, Reason, Stage, StageConfig, VideoRows


class Config(StageConfig):
    """How long the streams are."""

    clips: int = Field(3, ge=1, description="clips of a stream")
    clips_per_shard: int = Field(6, ge=1, description="with so many clips a new shard is full")
    longest_s: float = Field(30.0, gt=0, description="longer clips are put into no stream")


def run(videos: Iterable[VideoRows], config: Config, context: Context) -> Iterator[Video | Reject]:
    """The streams, and a reject for each clip that is too long."""
    del context
    waiting: dict[str, list[Video]] = {}
    for video in sorted((row for rows in videos for row in rows[Video]), key=lambda v: v.video_id):
        if video.duration_s > config.longest_s:
            yield Reject(video_id=video.video_id, reason="too_long_to_join")
            continue
        together = waiting.setdefault(video.split, [])
        together.append(video)
        if len(together) == config.clips:
            yield _stream(together)
            together.clear()
    yield from (_stream(together) for together in waiting.values() if together)


def _stream(videos: list[Video]) -> Video:
    return stream_of(f"stream-{digest([video.video_id for video in videos], 16)}", videos)


STAGE = Stage(
    "in_order",
    1,
    (Video,),
    Video,
    Config,
    run,
    scope="streams",
    clips_per_shard=lambda config: config.clips_per_shard,
    reasons=(Reason("too_long_to_join", "Longer than `longest_s`.", policy=True),),
)
