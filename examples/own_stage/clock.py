"""Say how long the video has been playing, again and again.

reads:  Segment
writes: Annotation of the task clock, one per video
"""

from collections.abc import Iterator

from pydantic import Field

from pipeline.records import Annotation, Reject, Segment
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage


class Config(StageConfig):
    """When it speaks."""

    every_s: float = Field(10.0, gt=0, description="seconds from one answer to the next")


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[Annotation | Reject]:
    """One question at the start, an answer after every ``every_s`` seconds."""
    end_s = rows[Segment][-1].end_s
    times_s = [n * config.every_s for n in range(1, int(end_s / config.every_s) + 1)]
    answers = [(time_s, f"{time_s:g} seconds.") for time_s in times_s if time_s < end_s]
    if answers:
        yield Annotation.instants("clock", "How long has the video been playing?", answers)
    else:
        yield Reject(reason="too_short_to_say", detail=f"{end_s:g} s")


STAGE = per_video_stage(
    name="clock",
    version=1,
    reads=(Segment,),
    writes=Annotation,
    config=Config,
    run=run,
    reasons=(Reason("too_short_to_say", "It ends before `every_s` is over.", absence=True),),
)
