"""Reports of finished runs, and pages of Chromium that show them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.run import main
from tests.conftest import ROOT, MadeOnce, RenderOnce

BROWSER = os.environ.get("TURNWISE_BROWSER", "")
SCENES = ("scene-04", "scene-10", "scene-12")
AXE = ROOT / "build" / "page" / "node_modules" / "axe-core" / "axe.min.js"

OpenPage = Callable[..., Any]
"""``open_page(url, …)``: a page; what the test ends with is no error of it and no foreign request.
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser nothing here is run: `make test-browser` names one."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("browser")
            if not BROWSER:
                item.add_marker(pytest.mark.skip(reason="make test-browser"))


@pytest.fixture(scope="session")
def run(render_once: RenderOnce, made_once: MadeOnce) -> Path:
    """The config of a finished run over three scenes of the demo."""
    from pipeline.media.scenes.render import render_scenes

    def make(folder: Path) -> None:
        with render_once():
            manifest = render_scenes(folder / "scenes", SCENES)
        section = {"name": "three", "root": str(folder / "run"), "videos_per_shard": 2}
        source = {"kind": "manifest", "path": str(manifest)}
        config = {"extends": str(ROOT / "configs/demo.yaml"), "run": section, "source": source}
        (folder / "run.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    def finished(half: Path) -> None:
        half.mkdir()
        make(half)
        text = (half / "run.yaml").read_text(encoding="utf-8")
        assert main(["run", "-c", str(half / "run.yaml")]) == 0
        place = half.parent.parent / half.name
        (half / "run.yaml").write_text(text.replace(str(half), str(place)), encoding="utf-8")

    return made_once("browser-run", finished) / "run.yaml"


@pytest.fixture
def report(run: Path, tmp_path: Path) -> Path:
    """The folder of a report of that run."""
    assert main(["report", "-c", str(run), "-o", str(tmp_path / "report")]) == 0
    return tmp_path / "report"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # A container lets nobody make the namespaces of its sandbox.
        yield playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])


@pytest.fixture
def open_page(chromium: Any) -> Iterator[OpenPage]:
    """``open_page(url, …)``: a page with what its context is given. At the end none may have had an
    error, nor have asked anything of another place than its own."""
    opened = []

    def opening(url: str, **context: Any) -> Any:
        page = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 860}} | context
        ).new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("console", lambda said: wrong.append(f"console: {said.text}"))
        page.on("dialog", lambda dialog: wrong.append(f"dialog: {dialog.message}"))
        own = url.partition("#")[0].rpartition("/")[0]
        page.on("request", lambda asked: _check_own(asked.url, own, wrong))
        opened.append((page, wrong))
        page.goto(url)
        page.wait_for_selector("main")
        return page

    yield opening
    for page, wrong in opened:
        page.context.close()
        assert not wrong


def _check_own(url: str, own: str, wrong: list[str]) -> None:
    if not url.startswith((own, "data:", "blob:")):
        wrong.append(f"request: {url}")


@contextmanager
def serving(run: Path, *options: str) -> Iterator[str]:
    """The address of a report that is served by a process of its own."""
    command = [
        sys.executable,
        "pipeline/run.py",
        "report",
        "-c",
        str(run),
        "--serve",
        "--port",
        "0",
    ]
    process = subprocess.Popen([*command, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("serving "):
                yield line.split()[1]
                break
        else:
            raise AssertionError("".join(lines))
    finally:
        process.terminate()
        process.wait()


def lines_of(file: Path) -> Sequence[dict[str, Any]]:
    """The objects of JSON lines."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
