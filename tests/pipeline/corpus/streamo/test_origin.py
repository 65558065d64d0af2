"""What the times of a file mean: one reading a file, by evidence that is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.corpus.streamo.origin import OriginFound, origin_of_file, origin_of_rows


def row(*spans: Any, asked: Any = None, **more: Any) -> dict[str, Any]:
    """A row with a response for each span ``(st_time, end_time)`` or instant."""
    responses = [
        {"content": "a", "st_time": span[0], "end_time": span[1]}
        if isinstance(span, tuple)
        else {"content": "a", "time": span}
        for span in spans
    ]
    questions = [] if asked is None else [{"content": "Who?", "time": asked}]
    return {"video_name": "v", "question": questions, "response": responses, **more}


WHOLE = row((5, 7), 9)

FILES: list[tuple[str, list[Any], int, int, bool]] = [
    # name, rows, origin of responses, of questions, mixed
    ("nothing", [], 1, 1, False),
    ("whole numbers", [WHOLE, row(("5", 7.0))], 1, 1, False),
    ("a fraction", [WHOLE, row((5, 7.5))], 0, 0, False),
    ("a 0", [WHOLE, row((0, 7))], 0, 0, False),
    ("a clock", [WHOLE, row(("0:05", "0:07"))], 0, 0, False),
    ("the fraction of a question", [row(9, asked=3.5)], 0, 0, False),
    ("a second long", [WHOLE, row((5, 5))], 1, 1, False),
    ("an empty span in a row that measures", [row((5.5, 7), (5, 5))], 0, 0, False),
    ("a tie", [row((5.5, 7)), row((5, 5))], 0, 0, True),
    ("more that count", [row((5.5, 7)), row((5, 5)), row((6, 6))], 1, 1, True),
    ("more that measure", [row((5.5, 7)), row((0, 5)), row((6, 6))], 0, 0, True),
    ("one row of many", [*[WHOLE] * 200, row((5.5, 7))], 0, 0, True),
    ("one row of some", [*[WHOLE] * 50, row((5.5, 7))], 0, 0, False),
    ("questions from 1", [row((5.5, 7), asked="1"), row((5.5, 7), asked="4")], 0, 1, False),
    ("questions from 0", [row((5.5, 7), asked="1"), row((5.5, 7), asked="0")], 0, 0, False),
    ("questions after 1", [row((5.5, 7), asked="3")], 0, 0, False),
    ("questions from 1, no fraction", [row((0, 7), asked=1)], 0, 0, False),
    ("a start before 0", [row((-1, 7))], 1, 1, False),
    ("no times", [row(("", None)), {"response": "x"}, 5, None, row("5s", True, [3])], 1, 1, False),
    ("their own origin", [row((5.5, 7), origin=1), row((0, 7), origin=0), WHOLE], 1, 1, False),
]


@pytest.mark.parametrize(
    ("rows", "responses", "questions", "mixed"), [c[1:] for c in FILES], ids=[c[0] for c in FILES]
)
def test_files(rows: list[Any], responses: int, questions: int, mixed: bool) -> None:
    found = origin_of_rows(rows)
    assert (found.responses, found.questions, found.mixed) == (responses, questions, mixed)
    assert origin_of_rows(reversed(rows)) == found, "the order of rows is no evidence"
    assert bool(found.warning()) == mixed


def test_exact_times_are_no_evidence() -> None:
    exact = {"content": "a", "time": 1, "time_s": 0.5, "st_time": 3, "start_s": 2.5}
    assert origin_of_rows([{"response": [exact | {"end_time": 3, "end_s": 2.75}]}]).rows == 0


def test_what_was_decided_and_by_what(tmp_path: Path) -> None:
    path = tmp_path / "raw.json"
    rows = [row((5.5, 7), (0, 2), asked=1), row((0, 2)), row((5, 5)), WHOLE, row(2, origin=1)]
    path.write_text(json.dumps(rows), encoding="utf-8")
    found = origin_of_file(path)
    counts = {"rows": 4, "fractions": 1, "zeros": 2, "clocks": 0, "measuring": 2, "counting": 1}
    said = found.as_json()
    assert counts.items() <= said.items()
    assert (said["origin"], said["question_origin"], said["mixed"]) == (0, 1, True)
    assert found.to_text().startswith("times measure seconds from 0 (origin 0): of 4 rows 1 have")
    assert "1 say their own origin; times of questions count from 1" in found.to_text()
    assert "--origin 0 or --origin 1" in found.warning()


@pytest.mark.parametrize("origin", [0, 1])
def test_what_the_user_says_is_not_looked_up(origin: Any) -> None:
    found = origin_of_file(Path("nowhere"), origin)
    assert found == OriginFound(forced=origin)
    assert (found.responses, found.questions, found.mixed) == (origin, origin, False)
    assert found.to_text().endswith("as --origin says")
