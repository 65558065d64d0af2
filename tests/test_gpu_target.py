"""``make test-gpu`` where there is no GPU: it says so, and does not pass for a test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="this machine may have a GPU")
def test_without_a_gpu_it_says_so_and_fails() -> None:
    done = subprocess.run(
        ["make", "test-gpu"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "not tested: nvidia-smi lists no GPU on this machine" in done.stdout
