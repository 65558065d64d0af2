"""What many tests share: toy stages, checkouts to edit, and the command line as a process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
PARTS_OF_A_CHECKOUT = ("pipeline", "stages", "prompts", "configs", "data_manifest")

# Else a test would join whatever cluster it finds on this machine: another test's, or the user's.
os.environ["RAY_ADDRESS"] = "local"

# On a busy machine an example may take any time.
settings.register_profile("any_time", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_time")

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the sources that a test may edit."""
    folder = tmp_path / "checkout"
    for name in PARTS_OF_A_CHECKOUT:
        if (ROOT / name).exists():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
    return folder


@pytest.fixture(scope="session")
def cli() -> Cli:
    """``cli(checkout, "run", …)``: the command line in a process of its own."""

    def call(folder: Path, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "pipeline/run.py", *arguments],
            cwd=folder,
            env={**os.environ, "RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return call


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The scripted scenes, rendered once: the folder of their manifest."""
    from pipeline.media.scenes.render import render_scenes

    yield render_scenes(tmp_path_factory.mktemp("scenes")).parent
