from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Annotation, FramedSegment, PieceRelevance, Reject
from pipeline.workflow.annotation_stage import Answers, Case
from stages import relevance
from tests.stages.matrices import asked

Made = Callable[..., Any]


@pytest.fixture
def made(
    asking: Callable[..., Any],
    video_rows: Callable[..., Any],
    framed: Callable[..., list[FramedSegment]],
) -> Made:
    def run(annotation: Annotation, turns: int, reply: Any, **config: Any) -> Any:
        context, engine = asking("relevance", reply)
        rows = video_rows({Annotation: [annotation], FramedSegment: framed(turns)})
        settings = relevance.Config(**config)
        return list(relevance.STAGE.run([rows], settings, context)), engine

    return run


def at_even_seconds(ask: Any) -> Any:
    """The first question at any time, the second where a frame of an even second from 4 on is."""
    second = any(frame.time_s >= 4 for frame in ask.frames)
    return {"seen": "It.", "relevant": [1, 2] if second else [1]}


def test_a_row_is_judged_by_the_frames_of_its_segment_alone(made: Made) -> None:
    rows, engine = made(asked("Who?", "What?"), 7, at_even_seconds)
    shown = [[frame.time_s for frame in ask.frames] for ask in engine.asks]
    assert sorted(shown) == [[0, 1], [2, 3], [4, 5], [6]]
    assert [(row.index, row.start_s, row.end_s) for row in rows] == [
        (0, 0, 2),
        (1, 2, 4),
        (2, 4, 6),
        (3, 6, 7),
    ]
    assert [(row.after_s, row.first_frame_s, row.frame_s) for row in rows] == [
        (None, 0, 1),
        (1, 2, 3),
        (3, 4, 5),
        (5, 6, 6),
    ]
    assert {(*row.qids, row.pieces, row.annotation_id) for row in rows} == {("q0", "q1", 4, "a")}
    assert [row.relevant for row in rows] == [[True, False]] * 2 + [[True, True]] * 2
    assert all("1. Who?" in ask.text and "2. What?" in ask.text for ask in engine.asks)


def test_the_schema_allows_the_numbers_of_the_questions_alone(made: Made) -> None:
    rows, engine = made(asked("Who?"), 2, lambda _: {"seen": "It.", "relevant": [2, 9]})
    assert engine.asks[0].answer_schema["properties"]["relevant"]["items"]["enum"] == [1]
    assert [row.relevant for row in rows] == [[False]]


@pytest.mark.parametrize(("least", "relevant"), [(0.5, True), (0.75, False)])
def test_so_many_samples_must_agree(least: float, relevant: bool) -> None:
    answers = [relevance.PieceJudged(seen="It.", relevant=[1] * n) for n in (1, 1, 0)]
    several = Answers(answers, drawn=4)
    settings = relevance.Config(samples=4, temperature=1, least_share=least)
    frames = [
        FramedSegment(video_id="v", index=0, start_s=0, end_s=1, frame_s=0, turns_per_s=1, jpeg=b"")
    ]
    (case,) = relevance.cases(
        {Annotation: [asked("Who?")], FramedSegment: frames},  # type: ignore[arg-type]
        settings,
    )
    assert isinstance(case, Case)
    (row,) = relevance.accept(case, several, settings)
    assert isinstance(row, PieceRelevance)
    assert (row.scores, row.relevant) == ([0.5], [relevant])


def test_a_check_needs_only_the_segments_that_responses_rest_on(
    made: Made, tsqa: Callable[..., Annotation]
) -> None:
    found, engine = made(tsqa((2.5, "red"), (7.0, "blue")), 10, at_even_seconds, pieces="answered")
    assert [row.index for row in found] == [1, 3] and len(engine.asks) == 2
    ((row,), _) = made(asked("Who?"), 4, at_even_seconds, pieces="answered")
    assert isinstance(row, Reject) and row.reason == "no_piece"
