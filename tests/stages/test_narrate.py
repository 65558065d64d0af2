from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Change, FramedSegment, Provenance, Reject
from pipeline.workflow.annotation_stage import Case
from stages import narrate


@pytest.mark.parametrize(
    ("turns_per_s", "windows"),
    [
        (1.0, [[0, 1], [1, 2], [2, 3], [3, 4]]),
        (2.0, [[0, 0.5], [0, 0.5, 1], [0, 0.5, 1, 1.5], [0.5, 1, 1.5, 2]]),
        (0.25, [[0, 4], [4, 8], [8, 12], [12, 16]]),
    ],
)
def test_a_window_reaches_back_two_seconds_and_has_a_pair(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    turns_per_s: float,
    windows: list[list[float]],
) -> None:
    rows = video_rows({FramedSegment: framed(5, turns_per_s)})
    cases = [c for c in narrate.cases(rows, narrate.Config()) if isinstance(c, Case)]
    assert [[s.frame_s for s in case.frames] for case in cases] == windows
    variables = cases[-1].variables
    assert [variables["before_s"], variables["after_s"]] == windows[-1][-2:]
    assert cases[-1].subject.frame_s == windows[-1][-1]


def test_every_pair_leaves_a_change(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    said = {
        1: {"changed": True, "sentence": " The ball turns red. "},
        2: {"changed": False, "sentence": "Nothing."},
        3: {"changed": True, "sentence": ""},
        4: {"changed": "perhaps"},
    }
    seen = {"seen": "A ball. A ball."}
    context, _ = asking("narrate", lambda ask: seen | said[int(ask.variables["after_s"])])
    made = list(
        narrate.STAGE.run([video_rows({FramedSegment: framed(5)})], narrate.Config(), context)
    )
    changes = [c for c in made if isinstance(c, Change)]
    assert [(c.index, c.time_s, c.changed, c.text) for c in changes] == [
        (1, 1.0, True, "The ball turns red."),
        (2, 2.0, False, ""),
    ]
    assert changes[0].provenance.prompt == "narrate"
    assert [r.model_dump()["reason"] for r in made[2:]] == ["empty_sentence", "no_valid_answer"]


def test_a_turn_that_shows_the_frame_before_again_makes_no_pair(
    framed: Callable[..., list[FramedSegment]], video_rows: Callable[..., Any]
) -> None:
    shown = [0.0, 0.0, 1.5, 1.5, 4.0]
    rows = [s.model_copy(update={"frame_s": t}) for s, t in zip(framed(5), shown, strict=True)]
    cases = list(narrate.cases(video_rows({FramedSegment: rows}), narrate.Config()))
    assert [[s.index for s in c.frames] for c in cases if isinstance(c, Case)] == [
        [0, 2],
        [2, 4],
    ]
    (reject,) = narrate.cases(video_rows({FramedSegment: rows[:2]}), narrate.Config())
    assert isinstance(reject, Reject)
    assert reject.reason == "one_frame"


def test_one_frame_makes_no_pair(
    framed: Callable[..., list[FramedSegment]],
    video_rows: Callable[..., Any],
    provenance: Provenance,
) -> None:
    (reject,) = narrate.cases(video_rows({FramedSegment: framed(1)}), narrate.Config())
    assert isinstance(reject, Reject)
    assert reject.reason == "one_frame"
