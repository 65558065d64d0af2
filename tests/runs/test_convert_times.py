"""``convert``: one reading of times for a file, and what is said of it and of what was moved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import main
from tests.runs.raw_files import (
    Row,
    asked,
    call,
    event,
    instant,
    lines_of,
    questions_of,
    rejects_of,
    row,
    states_of,
    write,
)

Capture = pytest.CaptureFixture[str]

FRACTIONS = row("f", [event("a", 2.5, 4)], duration=6)
WHOLE = row("w", [event("a", 2, 4)], duration=6)
SECOND = row("s", [event("a", 3, 3)], duration=6)


def converted(
    capsys: Capture, folder: Path, rows: list[Row], *options: object
) -> tuple[int, Any, list[Any], str]:
    """Exit status, what was counted, the rows that were made, and standard error."""
    raw, out = write(folder / "raw.json", rows), folder / "out.jsonl"
    status, text, error = call(capsys, "convert", raw, "-o", out, "--json", *options)
    return status, json.loads(text), lines_of(out), error


def test_the_rows_of_a_file_are_read_alike(tmp_path: Path, capsys: Capture) -> None:
    status, said, made, error = converted(capsys, tmp_path, [WHOLE, FRACTIONS])
    assert (status, error) == (0, "")
    assert [states_of(each) for each in made] == ["SSBBaS", "SSSBaS"]
    assert [questions_of(each) for each in made] == [{0: "What?"}] * 2, "asked at 1, the first turn"
    times = said["times"]
    assert (times["origin"], times["question_origin"], times["mixed"]) == (0, 1, False)
    assert (times["rows"], times["fractions"]) == (2, 1)
    _, _, made, _ = converted(capsys, tmp_path, [WHOLE, SECOND])
    assert [states_of(each) for each in made] == ["SBBBaS", "SSBaSS"], "a second long"


def test_how_times_are_read_is_said(tmp_path: Path, capsys: Capture) -> None:
    raw, out = write(tmp_path / "raw.json", [WHOLE]), tmp_path / "out.jsonl"
    _, text, _ = call(capsys, "convert", raw, "-o", out)
    assert text.startswith("rows: 1; times count seconds from 1 (origin 1): no row has a fraction")
    _, text, _ = call(capsys, "convert", raw, "-o", out, "--origin", "0")
    assert "times measure seconds from 0 (origin 0), as --origin says" in text


def test_a_mixed_file_is_named(tmp_path: Path, capsys: Capture) -> None:
    rows = [FRACTIONS, SECOND, SECOND, WHOLE]
    status, said, made, error = converted(capsys, tmp_path, rows)
    assert status == 0 and said["times"]["mixed"] and said["times"]["origin"] == 1
    assert [states_of(each) for each in made] == ["SSBBaS", "SSBaSS", "SSBaSS", "SBBBaS"]
    assert error.startswith("the file is mixed: times of 1 of 4 rows measure seconds, of 2 count")
    _, _, _, error = converted(capsys, tmp_path, rows, "--origin", "1")
    assert error == ""


def test_rows_without_a_name_are_in_the_totals(tmp_path: Path, capsys: Capture) -> None:
    rows = [WHOLE, {"response": [[event("a", 2, 4)], instant("b", 3)]}]
    status, said, _, _ = converted(capsys, tmp_path, rows)
    assert (status, said["responses"], said["said"], said["unsaid"]) == (3, 3, 1, 2)
    assert said["rejected"] == {"no_video_name": 1}
    assert rejects_of(tmp_path / "out.jsonl")[0]["sample_id"] == "raw-1"


def test_all_that_was_moved_is_in_the_summary(tmp_path: Path, capsys: Capture) -> None:
    responses = [event("a", -1, 3), event("b", 2, 3), event("c", 3, 9)]
    rows = [row("v", responses, [asked("Q", 1), asked("Late?", 20)], duration=6)]
    _, said, (made,), _ = converted(capsys, tmp_path, rows)
    assert said["flags"] == {"merged": 2, "clamped": 1, "late_question": 1, "start_clamped": 1}
    assert made["flags"] == "3 merged; 5 clamped late_question"


def test_what_the_official_converter_keeps_of_raw_is_said_and_true(
    tmp_path: Path, capsys: Capture
) -> None:
    responses = [event("a", 2, 5), event("b", 4, 9.5), event("c", 6, 9.2), instant("d", 9.4)]
    rows = [
        row("v", responses, duration=9.5),
        row("short", [event("e", 0.1, 0.4)], duration=0.5),
        row("full", [instant(letter, 1.5) for letter in "fgh"], duration=2.5),
    ]
    raw, out = write(tmp_path / "raw.json", rows), tmp_path / "out.json"
    status, text, _ = call(capsys, "convert", raw, "-o", out, "--to", "raw", "--json")
    official = json.loads(text)["official"]
    assert (status, official["kept"]) == (0, 6)
    assert (official["no_free_second"], official["no_whole_second"]) == (1, 1)
    _, text, _ = call(capsys, "convert", raw, "-o", out, "--to", "raw")
    assert "at a turn a second, keeps 6 of 8 responses" in text
    # The same file, through the official converter: its frame count is rounded down.
    known = write(tmp_path / "known.json", {each["video_name"]: each["duration"] for each in rows})
    again = tmp_path / "again.json"
    assert main(["convert", str(out), "-o", str(again), "--compat", "--durations", str(known)]) == 3
    made = json.loads(again.read_text(encoding="utf-8"))
    assert [each["video_name"] for each in made] == ["v", "full"]
    kept = [
        m["content"] for each in made for m in each["messages"][2::2] if "Response>" in m["content"]
    ]
    letters = [text.rpartition(" ")[2] for text in kept]
    assert sorted(letters[:4]) == ["a", "b", "c", "d"]
    assert len(letters) == 6
