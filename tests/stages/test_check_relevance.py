"""The matrix as a check on the samples of other recipes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Annotation, Check, PieceRelevance, Reject, Response
from stages import check_relevance
from tests.stages.matrices import matrix


@pytest.fixture
def made(video_rows: Callable[..., Any]) -> Callable[..., list[Any]]:
    def run(annotation: Annotation, rows: list[PieceRelevance], **config: Any) -> list[Any]:
        kinds = {Annotation: [annotation], PieceRelevance: rows}
        settings = check_relevance.Config(**config)
        return list(check_relevance.run(video_rows(kinds), settings, None))  # type: ignore[arg-type]

    return run


def checks(row: Annotation) -> list[tuple[str, bool, float]]:
    return [(each.rid, each.passed, each.score) for each in row.checks if each.name == "relevance"]


def test_each_response_is_scored_and_flagged(made: Any, tsqa: Callable[..., Annotation]) -> None:
    (row,) = made(tsqa((2.5, "red"), (7.0, "blue")), matrix("a", 5, {"q0": (1,)}))
    assert checks(row) == [("r0", True, 1.0), ("r1", False, 0.0)]
    assert len(row.responses) == 2 and len(row.provenance) == 5


def test_or_turned_down_with_its_checks(made: Any, tsqa: Callable[..., Annotation]) -> None:
    earlier = Check(name="answerable", passed=True, score=1, model="m", rid="r1")
    given = tsqa((2.5, "red"), (7.0, "blue")).model_copy(update={"checks": [earlier]})
    reject, row = made(given, matrix("a", 5, {"q0": (1,)}), failing="refuse")
    assert isinstance(reject, Reject) and reject.reason == "irrelevant_response"
    assert [each.rid for each in row.responses] == ["r0"]
    assert [(each.name, each.rid) for each in row.checks] == [("relevance", "r0")]
    rows = made(given, matrix("a", 5, {"q0": ()}), failing="refuse")
    assert [each.reason for each in rows] == ["irrelevant_response"] * 2 + ["no_relevant_response"]


def test_an_event_rests_on_all_pieces_of_its_span(
    made: Any, tsqa: Callable[..., Annotation]
) -> None:
    event = Response.event("r0", "It falls.", 2.5, 8.0)
    given = tsqa().model_copy(update={"responses": [event]})
    (row,) = made(given, matrix("a", 6, {"q0": (1, 2)}), least=0.6)
    ((rid, passed, score),) = checks(row)
    assert (rid, passed) == ("r0", True) and score == pytest.approx(2 / 3)


def test_what_nobody_judged_is_neither_passed_nor_failed(
    made: Any, tsqa: Callable[..., Annotation]
) -> None:
    given = tsqa((2.5, "red"), (7.0, "blue"))
    some = [row for row in matrix("a", 5) if row.index != 1]
    (row,) = made(given, some)
    assert checks(row) == [("r1", True, 1.0)] and len(row.responses) == 2
    reject, row = made(given, some, failing="refuse")
    assert reject.reason == "unjudged_response"
    assert [each.rid for each in row.responses] == ["r1"]


def test_a_negative_stays_as_it_is(made: Any, tsqa: Callable[..., Annotation]) -> None:
    silent = tsqa().model_copy(update={"is_negative": True})
    (row,) = made(silent, matrix("a", 5), failing="refuse")
    assert row.responses == [] and row.is_negative and not row.checks
