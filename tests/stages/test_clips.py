"""The frames of streams of several clips: turns tile them, and show what is on, no clip before it
begins."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipeline.dialogue.tiling import tiling_of
from pipeline.media.base import DEFAULT_LIMITS, Clip, Limits, MediaError, Still, StillsRequest
from pipeline.records import DenseSegment, Reject, StreamClip, Video
from pipeline.records.streams import clip_at, clip_starts
from pipeline.workflow.stage import Context
from stages import segment
from tests.stages.conftest import Rows


class Reel:
    """Media whose ``i``th file has frames at multiples of ``1 / rates[i]``; a frame is its file and
    its place there."""

    def __init__(self, rates: Sequence[Fraction], short: str = "") -> None:
        self.rates, self.short = rates, short

    def stills(
        self, clip: Clip, request: StillsRequest, limits: Limits = DEFAULT_LIMITS
    ) -> Sequence[Still]:
        assert request.frames is not None
        rate = self.rates[int(clip.uri)]
        step = Fraction(1) / Fraction(request.turns_per_s).limit_denominator(10_000)
        step /= request.frames_per_turn
        times = [Fraction(request.first_s) + i * step for i in range(request.frames)]
        shown = [int(time_s * rate) for time_s in times][: -1 if clip.uri == self.short else None]
        return [Still(float(n / rate), f"{clip.uri} {n}".encode()) for n in shown]


def stream(durations_s: Sequence[float]) -> Video:
    clips = tuple(
        StreamClip(uri=str(i), video_id=str(i), duration_s=each, sha256="")
        for i, each in enumerate(durations_s)
    )
    about: dict[str, Any] = {"width": 4, "height": 3, "rotation_deg": 0, "codec": "", "sha256": ""}
    whole_s = clip_starts(clips)[-1]
    return Video(video_id="s", clips=clips, duration_s=whole_s, frame_rate=0, **about)


def cut(video: Video, media: Any, **settings: Any) -> list[Any]:
    config = segment.Config(**settings)
    return list(segment.STAGE.run([Rows("s", {Video: [video]})], config, Context(media=media)))


RATES = st.sampled_from([Fraction(n) for n in (1, 2, 5, 25, 30)] + [Fraction(30000, 1001)])
FILES = st.lists(st.tuples(st.integers(1, 400), RATES), min_size=1, max_size=6)


@given(FILES, st.sampled_from([0.5, 1.0, 2.0, 1 / 3, 10.0]), st.integers(1, 3))
@example(files=[(339, Fraction(30)), (1, Fraction(1))], turns_per_s=10.0, frames_per_turn=1)
def test_turns_tile_a_stream_and_show_the_clip_that_is_on(
    files: Sequence[tuple[int, Fraction]], turns_per_s: float, frames_per_turn: int
) -> None:
    durations_s = [float(min(frames / rate, Fraction(60))) for frames, rate in files]
    video = stream(durations_s)
    media = Reel([rate for _, rate in files])
    made = cut(video, media, turns_per_s=turns_per_s, frames_per_turn=frames_per_turn)
    assert all(isinstance(row, DenseSegment) for row in made)
    tiling = tiling_of("s", made)
    assert tiling.end_s == video.duration_s
    starts = clip_starts(video.clips)
    for row in made:
        for frame_s, jpeg in [(row.frame_s, row.jpeg), *((f.frame_s, f.jpeg) for f in row.further)]:
            file, number = map(int, jpeg.split())
            assert starts[file] <= frame_s
            assert frame_s == pytest.approx(starts[file] + float(number / media.rates[file]))
        place, second_s = clip_at(video.clips, row.start_s)
        assert row.frame_s <= row.start_s + 1e-9
        assert row.jpeg.split()[0] == str(place).encode(), "of the clip that is on"
        # The next frame of the file comes later: this is the last that was presented.
        assert int(row.jpeg.split()[1]) + 1 > float(second_s * media.rates[place]) - 1e-6
        for before, after in pairwise([row.frame_s, *(f.frame_s for f in row.further)]):
            assert before < after < row.end_s + 1e-9


def test_a_clip_between_two_frames_is_not_opened() -> None:
    assert [row.jpeg for row in cut(stream([1.25, 0.5, 1.0]), Reel([Fraction(4)] * 3))] == [
        *(b"0 0", b"0 4", b"2 1")
    ]  # fmt: skip


def test_a_clip_that_became_shorter_refuses_its_stream() -> None:
    (row,) = cut(stream([4.0, 3.0, 2.0]), Reel([Fraction(4)] * 3, short="1"))
    assert isinstance(row, Reject) and row.reason == "clip_outside"
    assert row.detail == "clip 2, 1: shorter than 3.0 s, its length when it was admitted"


def test_a_place_that_is_at_fault_is_named_with_its_clip() -> None:
    class Gone(Reel):
        def stills(self, clip: Clip, *args: Any) -> Sequence[Still]:
            raise MediaError("missing_file", "there is no file 0")

    with pytest.raises(MediaError, match=r"clip 1, 0: there is no file 0, though there was when"):
        cut(stream([4.0]), Gone([Fraction(4)]))
