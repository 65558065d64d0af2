"""``audit`` of raw files: faults of our own conversion, each planted, show in the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.corpus.audit import raw as raw_audit
from pipeline.corpus.audit.checker import WrittenTurn
from pipeline.corpus.audit.written import written_turns
from pipeline.corpus.streamo.raw import RawSample
from pipeline.dialogue.tiling import Tiling
from pipeline.records import Question, Response
from tests.pipeline.corpus.test_checker import PLANTED, QUESTIONS, RESPONSES
from tests.runs.raw_files import Row, audited, call, event, instant, row, write

Capture = pytest.CaptureFixture[str]


def checked_case(questions: Sequence[Question], responses: Sequence[Response]) -> Row:
    """The case of the checker's own tests as a raw row of 20 s."""
    return row(
        "v",
        [
            {"content": r.text, "qid": r.qid, "start_s": r.start_s, "end_s": r.end_s}
            for r in responses
        ],
        [{"content": q.text, "qid": q.qid, "time_s": q.asked_s} for q in questions],
        duration=20,
    )


@pytest.mark.parametrize("name", ["", *PLANTED])
def test_a_fault_of_our_own_conversion_shows(
    name: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant, expected = PLANTED[name] if name else (lambda _: None, {})

    def faulty(raw: RawSample, tiling: Tiling) -> list[WrittenTurn] | None:
        turns = written_turns(raw, tiling)
        assert turns is not None
        plant(turns)
        return turns

    monkeypatch.setattr(raw_audit, "written_turns", faulty)
    path = write(tmp_path / "raw.json", [checked_case(QUESTIONS, RESPONSES)])
    ours = audited(capsys, path)["raw"]["ours"]
    assert ours.items() >= expected.items()
    assert ours["kept"] + ours["lost"] == len(RESPONSES)
    text = call(capsys, "audit", path)[1]
    assert ("faults found: 0" in text) == (not name)
    for fault, count in expected.items():
        assert f"{fault.replace('_', ' ')} {count}" in text


def test_a_row_that_the_format_cannot_hold_is_lost(tmp_path: Path, capsys: Capture) -> None:
    rows = [
        row("v", [instant("</Response> x", 3), instant("y", 5)], duration=9),
        row("w", [instant("x", 3)], duration=9),
    ]
    path = write(tmp_path / "raw.json", rows)
    found = audited(capsys, path)["raw"]
    ours = found["ours"]
    assert (found["valid"], ours["kept"], ours["lost"]) == (3, 1, 2)
    assert ours["not_written"] == {"token_in_text": 1}
    status, text, _ = call(
        capsys, "convert", path, "-o", tmp_path / "out.jsonl", "--to", "stream", "--json"
    )
    assert (status, json.loads(text)["said"]) == (3, ours["kept"]), "it is as convert has it"


def test_one_reading_of_times_a_file(tmp_path: Path, capsys: Capture) -> None:
    rows = [
        row("a", [event("x", 2.5, 4.5)], duration=9),
        row("b", [event("x", 2, 4)], duration=9),
        row("c", [event("x", 3, 3)], duration=9),
    ]
    path = write(tmp_path / "raw.json", rows)
    found = audited(capsys, path)
    assert (found["times"]["origin"], found["times"]["mixed"]) == (0, True)
    assert found["raw"]["counted_from_1"] == 0, "b is read as a is"
    text = " ".join(call(capsys, "audit", path)[1].split())
    assert "times measure seconds from 0 (origin 0): of 3 rows 1 have fractions" in text
    assert "the file is mixed: times of 1 of 3 rows measure seconds" in text
    found = audited(capsys, path, "--origin", "1")
    assert (found["times"]["forced"], found["raw"]["counted_from_1"]) == (1, 3)
    assert "as --origin says" in call(capsys, "audit", path, "--origin", "1")[1]
    counting = write(tmp_path / "counting.json", rows[1:])
    assert audited(capsys, counting)["times"]["mixed"] is False


def test_what_third_parties_drop_rows_for(tmp_path: Path, capsys: Capture) -> None:
    rows = [
        row("past", [instant("x", 12), instant("y", 30)], duration=10),
        row("after", [instant("x", 3)], [{"content": "What?", "time": 8}], duration=10),
        row("close", [instant("x", 1), instant("y", 8), instant("z", 14)], duration=20),
        row("far", [instant("x", 1), instant("y", 8)], duration=20),
        row("one", [instant("x", 5)], duration=10),
        row("none", [], duration=10),
        row("unknown", [instant("x", 70)]),
    ]
    path = write(tmp_path / "raw.json", rows)
    found = audited(capsys, path)["raw"]
    assert (found["rows_answered"], found["several_answers"]) == (6, 3)
    assert found["first_answer_past_the_end"] == 1
    assert found["asked_after_first_answer"] == 1
    assert found["close_answers"] == 1
    text = call(capsys, "audit", path)[1]
    assert "  with answers less than 7 s apart: 1\n  with two or more answers: 3\n" in text
    assert max(map(len, text.splitlines())) <= 80
