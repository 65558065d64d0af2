"""Leave out the videos that were not drawn for their type.

reads:  VideoType, TypeDraw
writes: VideoType, of each video that is asked about; a Reject for each other one
source: arXiv:2605.10343 (types are balanced)
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.records import Reject, TypeDraw, VideoType
from pipeline.records.hash_sampling import hash_rank
from pipeline.workflow.stage import Context, Reason, StageConfig, VideoRows, per_video_stage


def run(rows: VideoRows, config: StageConfig, context: Context) -> Iterator[VideoType | Reject]:
    """The type of the video, if that was drawn."""
    draws = {draw.kind: draw for draw in context.rows(TypeDraw)}
    for found in rows[VideoType]:
        draw = draws[found.kind]
        if hash_rank(rows.video_id, draw.seed) <= draw.last_rank:
            yield found
        else:
            detail = f"{draw.drawn} of {draw.videos} videos of {draw.kind} were drawn"
            yield Reject(reason="not_drawn", detail=detail)


STAGE = per_video_stage(
    name="apply_types",
    version=1,
    reads=(VideoType, TypeDraw),
    writes=VideoType,
    config=StageConfig,
    run=run,
    reasons=(
        Reason(
            "not_drawn",
            "`plan_types` did not draw the video; see its `shares` and `videos`.",
            absence=True,
        ),
    ),
)
