from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.records import Annotation, PieceRelevance, Reject, RolledOut
from stages import trajectory
from tests.stages.matrices import CALL, asked, matrix

SAID = [
    ("q0", 0, "red", "said"),
    ("q1", 1, "unknown", "unknown"),
    ("q0", 2, "red", "unchanged"),
    ("q1", 3, "two", "said"),
    ("q0", 4, "blue", "said"),
]


@pytest.fixture
def made(video_rows: Callable[..., Any]) -> Callable[..., list[Any]]:
    def run(answers: Any, **config: Any) -> list[Any]:
        rolled = [
            RolledOut(
                video_id="v",
                annotation_id="a",
                piece=piece,
                qid=qid,
                time_s=2 * piece + 1,
                text=text,
                outcome=outcome,
                provenance=CALL,
            )
            for qid, piece, text, outcome in answers
        ]
        rows = matrix("a", 5, {"q0": range(5), "q1": (1, 3)}, {"q1": 0.75})
        kinds = {RolledOut: rolled, Annotation: [asked("What?", "How many?")]}
        found = trajectory.run(
            video_rows(kinds | {PieceRelevance: rows}),
            trajectory.Config(**config),
            None,  # type: ignore[arg-type]
        )
        return list(found)

    return run


def test_what_was_said_is_a_response_at_the_latest_frame_that_was_shown(made: Any) -> None:
    (row,) = made(SAID)
    assert isinstance(row, Annotation)
    assert [(r.qid, r.text, r.respond_s, r.valid_until_s) for r in row.responses] == [
        ("q0", "red", 1, 9),
        ("q1", "two", 7, None),
        ("q0", "blue", 9, None),
    ]
    assert [(c.name, c.rid, c.score) for c in row.checks] == [
        ("relevance", "r0", 1.0),
        ("relevance", "r1", 0.75),
        ("relevance", "r2", 1.0),
    ]
    assert len(row.provenance) == 5 + len(SAID), "every call is named"


def test_a_failed_ask_refuses_all_of_it(made: Any) -> None:
    (row,) = made([*SAID, ("q1", 3, "", "failed")])
    assert isinstance(row, Reject) and row.reason == "roll_out_failed"


def test_too_few_answers_are_refused(made: Any) -> None:
    (row,) = made([("q0", 0, "unknown", "unknown")])
    assert isinstance(row, Reject) and row.reason == "too_few_answers"
    assert isinstance(made(SAID, least_answers=3)[0], Annotation)
    assert isinstance(made(SAID, least_answers=4)[0], Reject)
