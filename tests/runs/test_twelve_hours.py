"""A stream of hours is compiled, windowed with memory and written within bounds of memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.corpus.audit.checker_readers import READERS

ROOT = Path(__file__).resolve().parents[2]
HOURS = float(os.environ.get("HOURS", "1"))
"""``HOURS=12`` is the whole reach of the memory, in some 35 s of CPU."""
MOST_MIB = 1024


@pytest.mark.long
def test_hours_of_video_fit_in_memory_and_in_windows(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tests" / "runs" / "twelve_hours.py"), str(tmp_path)]
    done = subprocess.run(
        [*command, str(HOURS)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)
    stretches = int(HOURS * 18)
    assert said["windows"] == said["written"] == stretches + 1
    assert said["unsaid"] == 0
    assert said["turns"] == HOURS * 3600 + 200
    assert said["memory"] <= 5 + 42
    assert said["remembers_s"] == (stretches - 1) * 200
    assert said["peak_mib"] < MOST_MIB * min(1, HOURS / 12 + 0.4)
    lines = (tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()
    last = json.loads(lines[-1])
    turns = READERS["messages"]([last]).turns
    assert turns[0].start_s == (stretches - 1) * 200
    assert {turn.state for turn in turns} == {"silence", "response"}
    assert last["memory"].splitlines()[1].startswith("[0s-1000s] From 0 to 1000.")
