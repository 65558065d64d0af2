"""The command ``turnwise`` of an installation, and ``--version``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import turnwise
from pipeline import __version__

ROOT = Path(__file__).resolve().parents[1]
CALL = "import sys, turnwise; sys.exit(turnwise.main())"


def printed(command: Sequence[str], folder: Path) -> str:
    return subprocess.run(command, cwd=folder, text=True, capture_output=True, check=True).stdout


def test_the_script_of_the_project_is_the_command() -> None:
    assert '\nturnwise = "turnwise:main"\n' in (ROOT / "pyproject.toml").read_text("utf-8")
    assert callable(turnwise.main)


@pytest.mark.parametrize("command", [["pipeline/run.py"], ["-c", CALL]])
def test_the_version_is_printed(command: list[str]) -> None:
    assert printed([sys.executable, *command, "--version"], ROOT) == f"turnwise {__version__}\n"


def test_the_command_is_stopped_as_the_script_is() -> None:
    call = "import signal, turnwise; turnwise.main(); print(signal.getsignal(signal.SIGTERM))"
    assert "run_until_stopped" in printed([sys.executable, "-c", call, "--version"], ROOT)


def test_an_installation_keeps_the_folders_in_one(tmp_path: Path) -> None:
    shutil.copy(ROOT / "turnwise.py", tmp_path)
    for name in ("pipeline", "stages", "prompts", "configs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / "turnwise" / name, ignore=ignored)
    assert printed([sys.executable, "-c", CALL, "--version"], tmp_path).startswith("turnwise ")
    (tmp_path / "turnwise" / "stages" / "own.py").write_text(
        (ROOT / "stages" / "agree.py").read_text("utf-8").replace('name="agree"', 'name="own"')
    )
    assert "\nown " in printed([sys.executable, "-c", CALL, "stages"], tmp_path)
