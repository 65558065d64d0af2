from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.dialogue.tiling import tiling_of
from pipeline.media.base import MediaError, Still
from pipeline.records import Video
from pipeline.workflow.stage import Context, PlaceFaults
from stages import segment


@pytest.mark.parametrize(
    ("n_turns", "duration_s", "turns_per_s", "whole"),
    [
        (10, 10.0, 1.0, True),
        (10, 9.04, 1.0, True),
        (11, 10.00000001, 1.0, True),
        (10, 10.00000001, 1.0, True),
        (11, 10.0, 1.0, False),
        (9, 10.0, 1.0, False),
        (20, 10.0, 2.0, True),
        (0, 1.0, 1.0, False),
    ],
)
def test_turns_must_tile(n_turns: int, duration_s: float, turns_per_s: float, whole: bool) -> None:
    assert segment.tiles(n_turns, duration_s, turns_per_s) is whole


def test_segments_lie_side_by_side(
    video: Callable[..., Video], video_rows: Callable[..., Any], scripted_media: Callable[..., Any]
) -> None:
    context = Context(media=scripted_media({"v.mp4": 2.25}))
    rows = video_rows({Video: [video(duration_s=2.25)]})
    made: list[Any] = list(segment.STAGE.run([rows], segment.Config(turns_per_s=2), context))
    assert [(s.index, s.start_s, s.end_s, s.frame_s) for s in made] == [
        (0, 0.0, 0.5, 0.0),
        (1, 0.5, 1.0, 0.5),
        (2, 1.0, 1.5, 1.0),
        (3, 1.5, 2.0, 1.5),
        (4, 2.0, 2.25, 2.0),
    ]


def test_further_frames_of_a_turn_stand_in_it_and_move_no_turn(
    video: Callable[..., Video], video_rows: Callable[..., Any], scripted_media: Callable[..., Any]
) -> None:
    context = Context(media=scripted_media({"v.mp4": 3.3}))
    rows = video_rows({Video: [video(duration_s=3.3)]})

    def cut(**settings: Any) -> list[Any]:
        return list(segment.STAGE.run([rows], segment.Config(**settings), context))

    alone, dense = cut(frames_per_turn=1), cut(frames_per_turn=3)
    assert [[round(f.frame_s, 3) for f in s.further] for s in dense] == [
        [0.333, 0.667],
        [1.333, 1.667],
        [2.333, 2.667],
        [],
    ]
    assert [s.model_copy(update={"further": []}) for s in dense] == alone
    *_, last = cut(frames_per_turn=3, short_last_turn="merge")
    assert [round(f.frame_s, 3) for f in last.further] == [2.333, 2.667, 3.0]
    assert [len(s.further) for s in cut()] == [1, 1, 1, 0], "two frames a second, as the paper"


def test_a_frame_that_is_shown_again_is_stored_once(video: Callable[..., Video]) -> None:
    stills = [Still(0.0, b"a"), Still(0.0, b"a"), Still(0.4, b"b"), Still(0.4, b"b")]
    (made,) = segment.tile(video(duration_s=0.5), [stills], 1.0)
    assert [frame.jpeg for frame in made.further] == [b"b"]


def test_a_turn_has_the_most_that_changed_since_the_one_before(
    video: Callable[..., Video],
) -> None:
    """Between neighbours and between the ends; what only a clip before could tell is not known."""
    step = [None, 1.0, 2.0, 5.0, 0.5, 0.0, None, 3.0, 3.0]
    turn = [None, None, 9.0, 9.0, 4.0, 4.0, None, None, 6.0]
    stills = [Still(i / 2, b"a", *levels) for i, levels in enumerate(zip(step, turn, strict=True))]
    turns = [stills[i : i + 2] for i in range(0, 9, 2)]
    made = list(segment.tile(video(duration_s=4.5), turns, 1.0))
    assert [s.changed_levels for s in made] == [None, 9.0, 5.0, None, 6.0]


def test_a_video_without_its_frames_is_refused(
    video: Callable[..., Video], video_rows: Callable[..., Any], scripted_media: Callable[..., Any]
) -> None:
    context = Context(media=scripted_media({"v.mp4": 5.0}))
    (reject,) = segment.STAGE.run([video_rows({Video: [video()]})], segment.Config(), context)
    assert reject.model_dump()["reason"] == "frames_do_not_tile"


def test_a_video_that_is_away_is_no_verdict_and_costs_the_others_nothing(
    video: Callable[..., Video], video_rows: Callable[..., Any], scripted_media: Callable[..., Any]
) -> None:
    context = Context(media=scripted_media({"v.mp4": 10.0}))
    uris = ["away.mp4", "v.mp4", "lost.mp4"]
    rows = [video_rows({Video: [video(video_id=uri, uri=uri)]}, uri) for uri in uris]
    made: list[Any] = []
    with pytest.raises(MediaError) as raised:
        made.extend(iter(segment.STAGE.run(rows, segment.Config(), context)))
    assert all(f"{uri}: no such file" in raised.value.detail for uri in (uris[0], uris[2]))
    assert {row.video_id for row in made} == {uris[1]}
    gone = [video_rows({Video: [video(uri=f"{i}.mp4")]}) for i in range(50)]
    with pytest.raises(MediaError) as raised:
        list(segment.STAGE.run(gone, segment.Config(), context))
    assert raised.value.detail.count("\n") == PlaceFaults.IN_A_ROW, "the place is gone"


@pytest.mark.parametrize(
    ("duration_s", "turns_per_s", "kept", "merged", "end_s"),
    [
        (10.0, 1.0, 10, 10, 9.0),
        (10.1, 1.0, 11, 10, 9.0),
        (10.499, 1.0, 11, 10, 9.0),
        (10.5, 1.0, 11, 11, 10.0),
        (10.9, 1.0, 11, 11, 10.0),
        (2.2, 2.0, 5, 4, 1.5),
        (2.25, 2.0, 5, 5, 2.0),
        (1.1, 1.0, 2, 2, 1.0),
        (0.3, 1.0, 1, 1, 0.0),
        (0.4, 2.0, 1, 1, 0.0),
        (2.1, 1.0, 3, 2, 1.0),
    ],
)
def test_a_short_last_turn_is_kept_or_belongs_to_the_one_before(
    *,
    video: Callable[..., Video],
    video_rows: Callable[..., Any],
    scripted_media: Callable[..., Any],
    duration_s: float,
    turns_per_s: float,
    kept: int,
    merged: int,
    end_s: float,
) -> None:
    context = Context(media=scripted_media({"v.mp4": duration_s}))
    rows = video_rows({Video: [video(duration_s=duration_s)]})

    def cut(**settings: Any) -> list[Any]:
        config = segment.Config(turns_per_s=turns_per_s, **settings)
        return list(segment.STAGE.run([rows], config, context))

    whole, fewer = cut(), cut(short_last_turn="merge")
    assert (len(whole), len(fewer)) == (kept, merged)
    assert (fewer[-1].start_s, fewer[-1].end_s) == (end_s, duration_s)
    assert fewer[:-1] == whole[: merged - 1]
    tiling = tiling_of("v", fewer)
    assert (len(tiling), tiling.end_s) == (merged, duration_s)
    assert tiling.turns_per_s == turns_per_s
