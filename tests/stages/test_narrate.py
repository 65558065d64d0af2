from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Change, DenseSegment, Provenance, Reject, TurnFrame
from pipeline.workflow.annotation_stage import Case
from stages import narrate, polish


@pytest.mark.parametrize(
    ("turns_per_s", "further", "windows"),
    [
        (1.0, 0, [[0, 1], [1, 2], [2, 3], [3, 4]]),
        (1.0, 1, [[0, 0.5, 1], [0.5, 1, 1.5, 2], [1.5, 2, 2.5, 3], [2.5, 3, 3.5, 4]]),
        (2.0, 0, [[0, 0.5], [0, 0.5, 1], [0, 0.5, 1, 1.5], [0.5, 1, 1.5, 2]]),
        (0.25, 0, [[0, 4], [4, 8], [8, 12], [12, 16]]),
        (0.25, 1, [[0, 2, 4], [4, 6, 8], [8, 10, 12], [12, 14, 16]]),
    ],
)
def test_a_window_reaches_back_two_seconds_and_has_a_pair(
    framed: Callable[..., list[DenseSegment]],
    video_rows: Callable[..., Any],
    turns_per_s: float,
    further: int,
    windows: list[list[float]],
) -> None:
    rows = video_rows({DenseSegment: framed(5, turns_per_s, further)})
    cases = [c for c in narrate.cases(rows, narrate.Config()) if isinstance(c, Case)]
    assert [[s.frame_s for s in case.frames] for case in cases] == windows
    variables = cases[-1].variables
    ends = [variables["before_s"], variables["after_s"]]
    assert ends == [windows[-1][-2 - further], windows[-1][-1]]
    assert cases[-1].subject.frame_s == windows[-1][-1], "nothing shown is later than the change"


def test_frames_a_little_older_than_their_turn_bring_no_other_into_the_window(
    framed: Callable[..., list[DenseSegment]], video_rows: Callable[..., Any]
) -> None:
    """At 24000/1001 frames a second the frame on screen at a second is up to 42 ms older."""

    def shown_s(time_s: float) -> float:
        return int(time_s * 24000 / 1001 + 1e-9) * 1001 / 24000

    rows = [
        s.model_copy(
            update={
                "frame_s": shown_s(s.frame_s),
                "further": [
                    f.model_copy(update={"frame_s": shown_s(f.frame_s)}) for f in s.further
                ],
            }
        )
        for s in framed(200, 1.0, 1)
    ]
    cases = list(narrate.cases(video_rows({DenseSegment: rows}), narrate.Config()))
    assert {len(case.frames) for case in cases[1:] if isinstance(case, Case)} == {4}


def test_what_a_turn_shows_besides_a_frame_that_was_there_before_is_seen(
    framed: Callable[..., list[DenseSegment]], video_rows: Callable[..., Any]
) -> None:
    first, again, third = framed(3)
    later = [TurnFrame(frame_s=1.5, jpeg=b"later")]
    again = again.model_copy(update={"frame_s": 0.0, "further": later})
    (case,) = narrate.cases(video_rows({DenseSegment: [first, again, third]}), narrate.Config())
    assert isinstance(case, Case)
    assert [frame.frame_s for frame in case.frames] == [0, 1.5, 2]


def test_of_a_picture_that_stands_still_no_model_is_asked(
    framed: Callable[..., list[DenseSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    measured = [None, 0.5, None, 8.0, 2.9, 3.0]
    turns = [
        turn.model_copy(update={"changed_levels": levels})
        for turn, levels in zip(framed(6), measured, strict=True)
    ]
    rows = [video_rows({DenseSegment: turns})]
    made: dict[float, list[Any]] = {}
    for least in (3.0, 0.0):
        context, engine = asking(
            "narrate", lambda _: '{"seen": "s", "changed": true, "sentence": "It moves."}'
        )
        config = narrate.Config(still_levels=least)
        made[least] = list(narrate.STAGE.run(rows, config, context))
        assert len(engine.asks) == (3 if least else 5)
    still, every = made[3.0], made[0.0]
    assert [c.changed for c in still] == [False, True, True, False, True]
    assert [c.provenance.writer for c in still if not c.changed] == ["still_filter@1"] * 2
    assert [c for c in still if c.changed] == [every[i] for i in (1, 2, 4)], "the same asks"
    (case,) = polish.cases(video_rows({Change: still}), polish.Config())
    assert isinstance(case, Case)
    assert [line["time_s"] for line in case.variables["lines"]] == [2, 3, 5]
    (none,) = polish.cases(video_rows({Change: still[:1]}), polish.Config())
    assert isinstance(none, Reject) and none.reason == "nothing_changed"


def test_every_pair_leaves_a_change(
    framed: Callable[..., list[DenseSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    said: dict[int, dict[str, Any]] = {
        1: {"changed": True, "sentence": " The ball turns red. "},
        2: {"changed": False, "sentence": "Nothing."},
        3: {"changed": True, "sentence": ""},
        4: {"changed": "perhaps"},
    }
    seen: dict[str, Any] = {"seen": "A ball. A ball."}
    context, _ = asking("narrate", lambda ask: seen | said[int(ask.variables["after_s"])])
    made = list(
        narrate.STAGE.run([video_rows({DenseSegment: framed(5)})], narrate.Config(), context)
    )
    changes = [c for c in made if isinstance(c, Change)]
    assert [(c.index, c.time_s, c.changed, c.text) for c in changes] == [
        (1, 1.0, True, "The ball turns red."),
        (2, 2.0, False, ""),
    ]
    assert changes[0].provenance.prompt == "narrate"
    assert [r.model_dump()["reason"] for r in made[2:]] == ["empty_sentence", "no_valid_answer"]


def test_a_turn_that_shows_the_frame_before_again_makes_no_pair(
    framed: Callable[..., list[DenseSegment]], video_rows: Callable[..., Any]
) -> None:
    shown = [0.0, 0.0, 1.5, 1.5, 4.0]
    rows = [s.model_copy(update={"frame_s": t}) for s, t in zip(framed(5), shown, strict=True)]
    cases = list(narrate.cases(video_rows({DenseSegment: rows}), narrate.Config()))
    assert [[s.jpeg for s in c.frames] for c in cases if isinstance(c, Case)] == [
        [b"\0", b"\2"],
        [b"\2", b"\4"],
    ]
    (reject,) = narrate.cases(video_rows({DenseSegment: rows[:2]}), narrate.Config())
    assert isinstance(reject, Reject)
    assert reject.reason == "one_frame"


def test_one_frame_makes_no_pair(
    framed: Callable[..., list[DenseSegment]],
    video_rows: Callable[..., Any],
    provenance: Provenance,
) -> None:
    (reject,) = narrate.cases(video_rows({DenseSegment: framed(1)}), narrate.Config())
    assert isinstance(reject, Reject)
    assert reject.reason == "one_frame"
