"""Streams of real files, whose every frame tells which it is."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pipeline.dialogue.tiling import tiling_of
from pipeline.media.base import Still
from pipeline.media.decode import DecodeProcess
from pipeline.records import Video
from pipeline.records.streams import clip_at, clip_starts
from pipeline.workflow.stage import Context
from stages import ingest, segment
from tests.pipeline.media.barcode_clips import RECIPES
from tests.pipeline.media.reader.test_frames import number_in
from tests.stages.conftest import Rows

NAMES = ("h264_uneven.mp4", "vp9.webm", "h264_late.mp4", "h264_ntsc.mp4")


def test_files_of_other_codecs_rates_and_start_times_are_one_stream(
    clip_file: Callable[[str], Path], tmp_path: Path
) -> None:
    bounds = {"vp9.webm": (0.55, 1.4), "h264_ntsc.mp4": (0.2, None)}
    clips = [
        {"uri": str(clip_file(name)), "clip_start_s": low, "clip_end_s": high}
        for name, (low, high) in ((name, bounds.get(name, (0.0, None))) for name in NAMES)
    ]
    with DecodeProcess(tmp_path) as media:
        context = Context(manifest=[{"video_id": "s", "clips": clips}], media=media)
        (video,) = ingest.STAGE.run((), ingest.Config(min_duration_s=0), context)
        assert isinstance(video, Video), video
        cut = segment.Config(turns_per_s=5, frames_per_turn=1, jpeg_quality=95)
        made: list[Any] = list(segment.STAGE.run([Rows("s", {Video: [video]})], cut, context))
    tiling = tiling_of("s", made)
    assert tiling.end_s == video.duration_s == sum(clip.duration_s for clip in video.clips)
    seen = set()
    for row in made:
        place, second_s = clip_at(video.clips, row.start_s)
        truth = RECIPES[NAMES[place]].truth
        low_s = Fraction(bounds.get(NAMES[place], (0.0, None))[0]) + Fraction(1, 1_000_000)
        zero_s = max(time_s for time_s, _ in truth if time_s <= low_s)
        on = max((t, n) for t, n in truth if t - zero_s <= Fraction(second_s) + Fraction(1, 10**9))
        assert number_in(Still(0, row.jpeg)) == on[1], (place, second_s)
        assert row.frame_s == pytest.approx(clip_starts(video.clips)[place] + float(on[0] - zero_s))
        seen.add(place)
    assert seen == {0, 1, 2, 3}
