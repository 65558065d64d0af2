"""The example that trains goes from scenes to figures. What it learns is not for a test to say:
``make train-tiny`` trains for minutes. It needs PyTorch: ``make test-vllm`` has one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="make test-vllm runs these")
STUDY = Path(__file__).resolve().parents[3] / "examples" / "train_tiny" / "study.py"


def test_it_goes_from_scenes_to_figures(tmp_path: Path) -> None:
    command = [sys.executable, str(STUDY), str(tmp_path), "--train", "6", "--test", "3"]
    command += ["--watched", "4", "--steps", "2", "--seeds", "0", "--negatives", "with", "without"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert results["silence"]["ovo_timing F1"] == 0.0
    assert list(results["trained"]) == ["paper, with negatives", "paper, without negatives"]
    assert "| nothing: always silent |" in done.stdout
    # A second call does nothing of it again.
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert again.stdout == done.stdout[done.stdout.index("| trained with") :]
