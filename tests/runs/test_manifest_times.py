"""``manifest`` of raw files tells how it reads their times."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runs.raw_files import call

Capture = pytest.CaptureFixture[str]


def test_how_times_are_read_is_said_once_a_file(tmp_path: Path, capsys: Capture) -> None:
    said = [{"content": "He runs.", "st_time": 2, "end_time": 4}]
    counts = {"video_name": "a.mp4", "task_type": "narration", "question": [], "response": said}
    measures = counts | {"response": [{"content": "He runs.", "st_time": 0.5, "end_time": 4}]}
    second = counts | {"response": [{"content": "He runs.", "st_time": 3, "end_time": 3}]}
    files = {"counting": [counts], "mixed": [second, measures], "none": [{"videos": []}]}
    for name, rows in files.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(rows))
    given = ("--annotations", tmp_path, "--videos", tmp_path, "-o", tmp_path / "m.jsonl")
    _, text, _ = call(capsys, "manifest", "streamo_raw", *given)
    counting, mixed = (line for line in text.splitlines() if line.startswith("  reading      "))
    assert counting == (
        "  reading      counting.json: times count seconds from 1 (origin 1): no row has a"
        " fraction, a 0 or a clock"
    )
    assert "mixed.json: times measure seconds from 0 (origin 0): of 2 rows 1 have frac" in mixed
    assert "the file is mixed: times of 1 of 2 rows measure seconds, of 1 count them" in mixed
    assert "--origin" not in text, "manifest has no such option"
    _, text, _ = call(capsys, "manifest", "streamo_raw", *given, "--json")
    assert list(json.loads(text)["readings"]) == ["counting.json", "mixed.json"]
