"""Cut each video into turns and store the frame of each.

reads:  Video
writes: FramedSegment, one a turn, in order of time; the last ends with the video
source: section 4.1 of arXiv:2512.21334, real-time narration, step 1 (one-second intervals)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from pipeline.media.base import Clip, MediaError, ReaderName, Still, StillsRequest
from pipeline.media.reasons import MEANINGS, PASSING
from pipeline.records import FramedSegment, Reject, Video
from pipeline.workflow.stage import Context, Reason, VideoRows, per_video_stage, reasons_of
from stages._limits import LimitsConfig

_HALF = 0.5 - 1e-6
"""Of a turn; what is half of one but for rounding is not shorter."""


class Config(LimitsConfig):
    """Which frames are stored."""

    turns_per_s: float = Field(1.0, gt=0, le=30, description="turns a second; the paper has 1")
    longer_px: int = Field(
        448,
        ge=16,
        le=1 << 16,
        description="longer side of a stored frame in pixels; the paper gives none",
    )
    jpeg_quality: int = Field(
        90, ge=1, le=100, description="of a stored frame; the paper gives none"
    )
    reader: ReaderName = Field(
        "auto",
        description="which decoder reads the video; auto is pyav, decord refuses what it cannot"
        " read exactly",
    )
    short_last_turn: Literal["keep", "merge"] = Field(
        "keep",
        description="a last turn shorter than half a turn. keep: it is a turn like others, so that"
        " what ends with the turn before it is still reported after its end; merge: it belongs to"
        " the turn before it, unless that is the first, and what ends later than that turn starts"
        " is said in it, flagged as clamped. The paper says nothing of it",
    )

    def request(self) -> StillsRequest:
        """What is asked of the decoder."""
        return StillsRequest(
            turns_per_s=self.turns_per_s,
            longer_px=self.longer_px,
            jpeg_quality=self.jpeg_quality,
            reader=self.reader,
        )


def tiles(n_turns: int, duration_s: float, turns_per_s: float) -> bool:
    """Whether the last turn begins before the end of the video and reaches it (to 1 ms)."""
    return (n_turns - 1) / turns_per_s < duration_s <= n_turns / turns_per_s + 0.001


def kept_turns(n_turns: int, duration_s: float, config: Config) -> int:
    """How many turns are left of a video when a short last one is dealt with."""
    rest_turns = duration_s * config.turns_per_s - (n_turns - 1)
    merges = config.short_last_turn == "merge" and n_turns > 2 and rest_turns < _HALF
    return n_turns - merges


def tile(video: Video, stills: Sequence[Still], turns_per_s: float) -> list[FramedSegment]:
    """A segment a still, side by side from 0 to the end of the video."""
    return [
        FramedSegment(
            video_id=video.video_id,
            index=i,
            start_s=i / turns_per_s,
            end_s=(i + 1) / turns_per_s if i + 1 < len(stills) else video.duration_s,
            frame_s=still.frame_s,
            turns_per_s=turns_per_s,
            jpeg=still.jpeg,
            jpeg_sha256=hashlib.sha256(still.jpeg).hexdigest(),
        )
        for i, still in enumerate(stills)
    ]


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[FramedSegment | Reject]:
    """The segments of one video, or why it has none.

    Raises:
        MediaError: the place of the video is at fault (``passing``): the video was admitted.
    """
    if context.media is None:
        raise TypeError("stage 'segment' needs media")
    for video in rows[Video]:
        clip = Clip(video.uri, video.clip_start_s, video.clip_end_s)
        try:
            stills = context.media.stills(clip, config.request(), config.limits())
        except MediaError as error:
            if error.reason == "missing_file":
                detail = f"{video.uri}: {error.detail}, though there was when it was admitted"
                raise MediaError(error.reason, detail) from error
            if error.passing:
                raise
            yield Reject(reason=error.reason, detail=error.detail, row=video.model_dump_json())
            continue
        if not tiles(len(stills), video.duration_s, config.turns_per_s):
            detail = f"{len(stills)} frames for {video.duration_s:.3f} s"
            yield Reject(reason="frames_do_not_tile", detail=detail, row=video.model_dump_json())
            continue
        count = kept_turns(len(stills), video.duration_s, config)
        yield from tile(video, stills[:count], config.turns_per_s)


STAGE = per_video_stage(
    name="segment",
    version=4,
    reads=(Video,),
    writes=FramedSegment,
    config=Config,
    run=run,
    reasons=(
        Reason("frames_do_not_tile", "There are not as many frames as turns."),
        *reasons_of({n: m for n, m in MEANINGS.items() if n not in PASSING}),
    ),
)
