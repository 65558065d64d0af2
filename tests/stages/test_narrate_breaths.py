"""Many turns in one ask: each has its change, whatever the answer leaves out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pipeline.engines.base import Ask
from pipeline.records import Change, DenseSegment, Reject
from pipeline.workflow.annotation_stage import Case
from pipeline.workflow.stage import Stage
from stages import narrate, narrate_breaths
from stages.narrate_breaths import Config
from tests.stages.square_scene import Measuring, square_scene

STILL = {"seen": "A ball. A ball.", "changed": False, "sentence": ""}
TURNS = Config(turns_per_ask=4)


def turn(time_s: float, **said: Any) -> dict[str, Any]:
    return {"time_s": time_s, **STILL, **said}


def times_of(ask: Ask) -> list[float]:
    return [each["after_s"] for each in ask.variables["turns"]]


@pytest.fixture
def narrated(
    framed: Callable[..., list[DenseSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> Callable[..., tuple[list[Any], list[Ask]]]:
    """``narrated(said)``: the rows of 10 turns of which a model says that, and the asks."""

    def run(said: Callable[[Ask], Any], config: Config = TURNS) -> tuple[list[Any], list[Ask]]:
        context, engine = asking("narrate_breaths", said)
        rows = video_rows({DenseSegment: framed(10, 1.0, 1)})
        return list(narrate_breaths.STAGE.run([rows], config, context)), engine.asks

    return run


def indices(made: list[Any]) -> list[int]:
    return [row.index for row in made if isinstance(row, Change)]


def test_a_frame_is_shown_once_in_an_ask_and_each_turn_has_a_row(narrated: Any) -> None:
    def said(ask: Ask) -> Any:
        listed = [turn(time_s) for time_s in times_of(ask)]
        listed[0] |= {"changed": True, "sentence": " The ball turns red. "}
        return {"turns": listed[::-1]}

    made, asks = narrated(said)
    assert [times_of(ask) for ask in asks] == [[1, 2, 3, 4], [5, 6, 7, 8], [9]]
    assert [[f.time_s for f in ask.frames] for ask in asks] == [
        [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4],
        [3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8],
        [7.5, 8, 8.5, 9],
    ]
    assert len({ask.system for ask in asks}) == 1
    assert indices(made) == [*range(1, 10)], "in order of time, whatever that of the answer"
    assert [row.text for row in made if row.changed] == ["The ball turns red."] * 3
    listed = asks[0].answer_schema["properties"]["turns"]
    assert listed["maxItems"] == 4
    assert listed["items"]["properties"]["time_s"]["enum"] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("spoilt", "again", "reasons"),
    [
        (lambda listed: listed[:2], [3, 4], []),
        (lambda listed: [*listed, listed[1]], [2], []),
        (lambda listed: [*listed, turn(9.5)], [], []),
        (lambda listed: [], [1, 2, 3, 4], []),
        (lambda listed: "none", [1, 2, 3, 4], ["no_valid_answer"]),
    ],
)
def test_a_turn_that_an_answer_lacks_is_asked_about_alone(
    narrated: Any, spoilt: Callable[[Any], Any], again: list[float], reasons: list[str]
) -> None:
    def said(ask: Ask) -> Any:
        listed = [turn(time_s) for time_s in times_of(ask)]
        return {"turns": spoilt(listed) if times_of(ask) == [1, 2, 3, 4] else listed}

    made, asks = narrated(said)
    assert [times_of(ask) for ask in asks[3:]] == [[time_s] for time_s in again]
    assert [[f.time_s for f in ask.frames] for ask in asks[3:]] == [
        [t for t in (time_s - 1.5, time_s - 1, time_s - 0.5, time_s) if t >= 0] for time_s in again
    ]
    assert indices(made) == [*range(1, 10)]
    refused = [row.reason for row in made if isinstance(row, Reject)]
    assert refused == reasons


def test_a_turn_that_no_answer_has_is_refused_and_the_others_stay(narrated: Any) -> None:
    def said(ask: Ask) -> Any:
        return {"turns": [turn(time_s) for time_s in times_of(ask) if time_s not in (3, 9)]}

    made, asks = narrated(said)
    assert indices(made) == [1, 2, 4, 5, 6, 7, 8]
    refused = [(row.reason, row.detail) for row in made if isinstance(row, Reject)]
    assert refused == [("turn_left_out", "at 3.00 s"), ("turn_left_out", "at 9.00 s")]
    assert [times_of(ask) for ask in asks[3:]] == [[3]], "a turn alone is not asked about again"


def test_rows_are_those_of_one_ask_a_turn(
    framed: Callable[..., list[DenseSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    """Of an engine that sees the same in the same frames."""
    rows = video_rows({DenseSegment: square_scene(framed(6))})

    def made(stage: Stage[Any], config: Any) -> list[tuple[Any, ...]]:
        context, _ = asking(stage.name, lambda ask: None)
        found = stage.run([rows], config, replace(context, engine=Measuring()))
        return [(c.index, c.time_s, c.changed, c.text) for c in found if isinstance(c, Change)]

    alone = made(narrate.STAGE, narrate.Config())
    assert made(narrate_breaths.STAGE, Config(turns_per_ask=3)) == alone
    assert [changed for _, _, changed, _ in alone] == [False, True, False, False, True]


def test_one_frame_makes_no_breath(
    framed: Callable[..., list[DenseSegment]], video_rows: Callable[..., Any]
) -> None:
    (reject,) = narrate_breaths.cases(video_rows({DenseSegment: framed(1)}), Config())
    assert isinstance(reject, Reject) and reject.reason == "one_frame"


def test_what_was_left_out_is_asked_about_by_number_of_its_own(
    framed: Callable[..., list[DenseSegment]], video_rows: Callable[..., Any]
) -> None:
    """The ask about a turn alone is the same whatever breath it stood in."""
    rows = video_rows({DenseSegment: framed(9)})
    alone = [c for c in narrate_breaths.cases(rows, TURNS) if isinstance(c, Case)][-1]
    assert [pair.after.frame_s for pair in alone.subject] == [5, 6, 7, 8]
    again = [c for c in narrate_breaths.unanswered(alone, TURNS) if isinstance(c, Case)]
    assert [c.variables["turns"][0]["after_s"] for c in again] == [5, 6, 7, 8]
    assert not list(narrate_breaths.unanswered(again[0], TURNS)), "once"


def test_turns_that_stand_still_are_not_asked_about_and_keep_their_place(
    framed: Callable[..., list[DenseSegment]],
    video_rows: Callable[..., Any],
    asking: Callable[..., Any],
) -> None:
    turns = [
        t.model_copy(update={"changed_levels": 0.5 if i in (1, 2, 6) else 50.0})
        for i, t in enumerate(framed(10, 1.0, 1))
    ]

    def said(ask: Ask) -> Any:
        return {"turns": [turn(t) for t in times_of(ask) if t != 4 or len(times_of(ask)) == 1]}

    context, engine = asking("narrate_breaths", said)
    made: list[Any] = [
        *narrate_breaths.STAGE.run([video_rows({DenseSegment: turns})], TURNS, context)
    ]
    assert [times_of(ask) for ask in engine.asks] == [[3, 4, 5, 7], [8, 9], [4]]
    assert indices(made) == [*range(1, 10)]
    by_filter = [c.index for c in made if c.provenance.writer == "still_filter@1"]
    assert by_filter == [1, 2, 6]
    still = [t.model_copy(update={"changed_levels": 0.5}) for t in turns]
    rows = list(narrate_breaths.cases(video_rows({DenseSegment: still}), TURNS))
    assert [type(row) for row in rows] == [Change] * 9
