"""Cut each video into turns, store the frames of each, and measure how much changed between turns.

reads:  Video
writes: DenseSegment, one a turn, in order of time; the last ends with the video
source: section 4.1 of arXiv:2512.21334, real-time narration, step 1 (one-second intervals, shown at
        two frames a second)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise, zip_longest
from math import ceil
from typing import Literal

from pydantic import Field

from pipeline.media.base import MediaError, ReaderName, Still, StillsRequest
from pipeline.media.reasons import MEANINGS, PASSING
from pipeline.records import DenseSegment, Reject, TurnFrame, Video
from pipeline.workflow.stage import Context, Reason, VideoRows, per_video_stage, reasons_of
from stages._clips import stills_of
from stages._limits import LimitsConfig

_HALF = 0.5 - 1e-6
"""Of a turn; what is half of one but for rounding is not shorter."""


class Config(LimitsConfig):
    """Which frames are stored."""

    turns_per_s: float = Field(1.0, gt=0, le=30, description="turns a second; the paper has 1")
    frames_per_turn: int = Field(
        2,
        ge=1,
        le=30,
        description="frames stored of a turn, evenly spaced. Only narrate is shown more than the"
        " first; the paper shows it 2 a second",
    )
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
            frames_per_turn=self.frames_per_turn,
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


def tile(
    video: Video, turns: Sequence[Sequence[Still]], turns_per_s: float
) -> Iterator[DenseSegment]:
    """A segment a turn, from its stills, side by side from 0 to the end of the video."""
    before: Sequence[Still] = ()
    for i, (first, *others) in enumerate(turns):
        yield DenseSegment(
            video_id=video.video_id,
            index=i,
            start_s=i / turns_per_s,
            end_s=(i + 1) / turns_per_s if i + 1 < len(turns) else video.duration_s,
            frame_s=first.frame_s,
            turns_per_s=turns_per_s,
            jpeg=first.jpeg,
            jpeg_sha256=hashlib.sha256(first.jpeg).hexdigest(),
            further=[
                TurnFrame(frame_s=still.frame_s, jpeg=still.jpeg)
                for last, still in pairwise((first, *others))
                if still.frame_s > last.frame_s
            ],
            changed_levels=changed(before, first),
        )
        before = (first, *others)


def changed(before: Sequence[Still], first: Still) -> float | None:
    """The most by which the picture changed from the first still of a turn to that of the next:
    between any two neighbours and between the ends. None where one of these is not known."""
    if not before:
        return None
    found = [first.turn_levels, first.step_levels, *(still.step_levels for still in before[1:])]
    known = [levels for levels in found if levels is not None]
    return max(known) if len(known) == len(found) else None


def run(rows: VideoRows, config: Config, context: Context) -> Iterator[DenseSegment | Reject]:
    """The segments of one video, or why it has none.

    Raises:
        MediaError: the place of the video is at fault (``passing``): the video was admitted.
    """
    if context.media is None:
        raise TypeError("stage 'segment' needs media")
    for video in rows[Video]:
        try:
            stills = stills_of(video, context.media, config.request(), config.limits())
        except MediaError as error:
            if error.reason == "missing_file":
                file = "" if video.clips else f"{video.uri}: "
                detail = f"{file}{error.detail}, though there was when it was admitted"
                raise MediaError(error.reason, detail) from error
            if error.passing:
                raise
            yield Reject(reason=error.reason, detail=error.detail, row=video.model_dump_json())
            continue
        n_turns = ceil(len(stills) / config.frames_per_turn)
        if not tiles(n_turns, video.duration_s, config.turns_per_s):
            detail = f"{len(stills)} frames for {video.duration_s:.3f} s"
            yield Reject(reason="frames_do_not_tile", detail=detail, row=video.model_dump_json())
            continue
        count = kept_turns(n_turns, video.duration_s, config)
        starts = [i * config.frames_per_turn for i in range(count)]
        turns = [stills[a:b] for a, b in zip_longest(starts, starts[1:])]
        yield from tile(video, turns, config.turns_per_s)


STAGE = per_video_stage(
    name="segment",
    version=6,
    reads=(Video,),
    writes=DenseSegment,
    config=Config,
    run=run,
    reasons=(
        Reason("frames_do_not_tile", "There are not as many frames as turns."),
        *reasons_of({n: m for n, m in MEANINGS.items() if n not in PASSING}),
    ),
)
