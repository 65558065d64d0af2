"""Memory of ``convert`` and ``audit``: of a very long video, and of what they load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runs.raw_files import ROOT, event, row, write

MOST_MIB = 200
LONG_S = 65_500
_MEASURED = """
import json, sys
from pipeline.run import main
from tests.peak_memory import peak_kib
status = main(sys.argv[1:])
print(json.dumps([status, peak_kib() / 1024, "pandas" in sys.modules]), file=sys.stderr)
"""


@pytest.mark.parametrize("verb", ["convert", "audit"])
def test_a_video_of_eighteen_hours_fits_in_memory(tmp_path: Path, verb: str) -> None:
    responses = [event(f"step {k}", 600 * k + 1, 600 * k + 300) for k in range(LONG_S // 600)]
    raw = write(tmp_path / "raw.jsonl", [row("v.mp4", responses, duration=LONG_S)])
    out = tmp_path / "out.jsonl"
    options = ["-o", str(out)] if verb == "convert" else []
    command = [sys.executable, "-c", _MEASURED, verb, str(raw), *options]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stderr
    status, held_mib, with_pandas = json.loads(said.splitlines()[-1])
    assert status == 0
    assert held_mib < MOST_MIB
    assert not with_pandas, "a fifth of that limit, which neither verb needs"
    if verb == "convert":
        (sample,) = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        answers = [message["content"] for message in sample["messages"][2::2]]
        assert len(answers) == LONG_S
        assert sum(answer.startswith("</Response>") for answer in answers) == len(responses)
