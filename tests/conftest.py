"""What many tests share: toy stages, checkouts to edit, and the command line as a process."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.chaos_figures import Figures

ROOT = Path(__file__).resolve().parents[1]
PARTS_OF_A_CHECKOUT = ("pipeline", "stages", "prompts", "configs", "data_manifest")

# Else a test would join whatever cluster it finds on this machine: another test's, or the user's.
os.environ["RAY_ADDRESS"] = "local"
# Ray keeps the first mode that a process has, and then refuses a cluster of another.
os.environ["RAY_AUTH_MODE"] = "disabled"

LONG = "TURNWISE_LONG" in os.environ
"""Tests have their long form: ``make laws``."""


def examples(few: int) -> int:
    """On how many examples a property is tried: these few, and in its long form many more."""
    return 100 * few if LONG else few


# On a busy machine an example may take any time.
settings.register_profile(
    "any_time",
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any_time")

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
MadeOnce = Callable[[str, Callable[[Path], object]], Path]
RenderOnce = Callable[[], AbstractContextManager[None]]


_FIGURES = pytest.StashKey[Figures]()


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> Figures:
    """What was disturbed and healed in this session; ``make chaos`` prints it at its end."""
    return pytestconfig.stash.setdefault(_FIGURES, Figures())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs come first: at the end one of them would keep a process busy while the others have
    nothing left."""
    items.sort(key=lambda item: "runs" not in item.path.parts)


def pytest_unconfigure(config: pytest.Config) -> None:
    """The last that is printed: the figures, where there are any."""
    seed = os.environ.get("TURNWISE_CHAOS_SEED")
    if seed is not None and (figures := config.stash.get(_FIGURES, None)):
        print(f"\n{figures.text(seed)}")


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
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """``made_once(name, make)``: the file or folder that ``make(path)`` makes, by whichever process
    of pytest-xdist is the first to ask for it; for reading alone."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def once(name: str, make: Callable[[Path], object]) -> Path:
        made = folder / name
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                half = Path(tempfile.mkdtemp(dir=folder)) / name
                make(half)
                half.rename(made)
        return made

    return once


@pytest.fixture(scope="session")
def render_once(made_once: MadeOnce) -> RenderOnce:
    """``with render_once():`` a scene that was rendered before is copied, not rendered again."""
    from pipeline.media.scenes import render
    from pipeline.media.scenes.script import Scene

    rendered = render.render

    def copied(scene: Scene, path: Path) -> None:
        made = made_once(f"{scene.name}.mp4", lambda half: rendered(scene, half))
        shutil.copyfile(made, path)

    @contextmanager
    def patched() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(render, "render", copied)
            yield

    return patched


@pytest.fixture(scope="session")
def scenes(
    tmp_path_factory: pytest.TempPathFactory, render_once: RenderOnce, made_once: MadeOnce
) -> Path:
    """The scripted scenes: the folder of their manifest.

    Processes of pytest-xdist begin with different scenes, so that they render them together.
    """
    from pipeline.media.scenes.catalogue import SCENES
    from pipeline.media.scenes.render import render, render_scenes

    first = 4 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % len(SCENES)
    for scene in (*SCENES[first:], *SCENES[:first]):
        made_once(f"{scene.name}.mp4", partial(render, scene))
    with render_once():
        return render_scenes(tmp_path_factory.mktemp("scenes")).parent
