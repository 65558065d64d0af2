from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

import pytest

from pipeline.records import FramedSegment, Reject, VideoKind
from pipeline.workflow.annotation_stage import Answers, Case
from stages import video_type


@pytest.fixture
def made(
    asking: Callable[..., Any],
    video_rows: Callable[..., Any],
    framed: Callable[..., list[FramedSegment]],
) -> Callable[..., Any]:
    def run(kinds: Sequence[str], turns: int = 40, **config: Any) -> Any:
        given = iter(kinds)
        context, engine = asking("video_type", lambda _: {"seen": "It.", "kind": next(given)})
        rows = video_rows({FramedSegment: framed(turns)})
        settings = video_type.Config(**config)
        return list(video_type.STAGE.run([rows], settings, context)), engine

    return run


def test_there_are_five_types_and_no_other(made: Any) -> None:
    assert len(get_args(VideoKind)) == 5
    for kind in get_args(VideoKind):
        ((row,), _) = made([kind])
        assert (row.kind, row.consistency, row.provenance.stage) == (kind, 1, "video_type")
    ((row,), _) = made(["funny"])
    assert isinstance(row, Reject) and row.reason == "no_valid_answer"


def test_some_frames_of_the_whole_video_are_shown(made: Any) -> None:
    _, engine = made(["memory_dependent"], max_frames=5)
    (ask,) = engine.asks
    assert [frame.time_s for frame in ask.frames] == [0, 9, 19, 29, 39]


def test_of_several_samples_the_most_frequent_counts() -> None:
    answers = [video_type.TypeSeen(seen="It.", kind=kind) for kind in get_args(VideoKind)[:2]]
    several = Answers([answers[0], answers[1], answers[1]], drawn=4)
    (row,) = video_type.accept(Case(None), several, video_type.Config())
    assert (row.kind, row.consistency) == (answers[1].kind, 0.5)
