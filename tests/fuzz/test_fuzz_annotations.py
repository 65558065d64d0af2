"""Mutated rows of Streamo's raw format through ``convert`` and ``audit``: each is accounted for."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.mutations import mutated_line
from tests.runs.raw_files import asked, call, event, instant, lines_of, reconciled, rejects_of, row

pytestmark = pytest.mark.faults

SEED = os.environ.get("TURNWISE_FUZZ_SEED", "1")
RECORDS = int(os.environ.get("TURNWISE_FUZZ_RECORDS", "200"))
ROW = row(
    "v.mp4",
    [event("x", 1, 3), instant("y", 4), event("z", "2s", "5s")],
    [asked("What?", 1), asked("And now?", 2)],
    duration=8,
)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("to", ["stream", "raw"])
def test_rows_are_written_or_rejected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], to: str
) -> None:
    chances = (Random(f"{SEED}/{to}/{number}") for number in range(RECORDS))
    lines = [mutated_line(ROW, chance) for chance in chances]
    raw, out = tmp_path / "raw.jsonl", tmp_path / "out.jsonl"
    raw.write_bytes(b"\n".join(lines) + b"\n")
    status, text, _ = call(capsys, "convert", raw, "-o", out, "--json", "--to", to)
    assert status in {0, 3}
    counts, rejects = json.loads(text), rejects_of(out)
    assert reconciled(counts, lines_of(out), rejects)
    assert counts["rows"] == counts["written"] + sum(counts["rejected"].values())
    assert counts["rows"] >= sum(bool(line.strip()) for line in lines) * 0.9
    assert counts["written"] >= len(lines) // 4, "so few are sound that nothing else is tried"
    with capsys.disabled():
        print(f"\nseed {SEED}, to {to}: {counts['rows']} rows", dict(Counter(counts["rejected"])))
    assert call(capsys, "audit", raw, "--json")[0] == 3, "some rows cannot be read"
