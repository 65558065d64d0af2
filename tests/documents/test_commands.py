"""Every command of README and docs/ works: it is run over a small run, or parsed and planned.

Two things are other than for a reader: there are three scripted scenes, not fourteen, and runs over
the same videos leave their parts in one folder, so that each part is made once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.media.scenes.render import render_scenes
from pipeline.run import main
from tests.conftest import RenderOnce
from tests.documents.blocks import Block, blocks, command_lines, documents, turnwise_arguments
from tests.documents.parse_only import parse_only

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("pipeline", "stages", "prompts", "configs", "data_manifest", "examples")
SCENES = ("scene-01", "scene-05", "scene-14")
TARGET = re.compile(r"^make ([a-z-]+)")


def three_scenes(folder: Path) -> Path:
    """In place of ``render_scenes``."""
    return render_scenes(folder, SCENES)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, render_once: RenderOnce) -> Iterator[Path]:
    """The working directory of a reader: the sources, three videos, and the demo, already run."""
    folder = tmp_path_factory.mktemp("sandbox")
    for name in SOURCES:
        (folder / name).symlink_to(ROOT / name)
    for name in ("first", "mine", "folder"):
        (folder / "runs" / "shared").mkdir(parents=True, exist_ok=True)
        (folder / "runs" / name).symlink_to("shared")
    with pytest.MonkeyPatch.context() as patch, render_once():
        shutil.copytree(three_scenes(folder / "scenes").parent / "videos", folder / "videos")
        patch.chdir(folder)
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("COLUMNS", "80")
        patch.setenv(
            "PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        )
        for module in ("pipeline.workflow.source", "pipeline.cli.catalogue"):
            patch.setattr(f"{module}.render_scenes", three_scenes)
        assert main(["run", "-c", "configs/demo.yaml"]) == 0
        yield folder


def write_files(document: Path, folder: Path) -> None:
    """The blocks with a title, as files."""
    for block in blocks(document.read_text(encoding="utf-8")):
        if block.title:
            assert "/" not in block.title, "the folders of the sandbox are the sources themselves"
            (folder / block.title).write_text(block.text, encoding="utf-8")


def run_block(block: Block, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What the last command of the block prints."""
    printed = ""
    if block.language == "python":
        subprocess.run([sys.executable, "-c", block.text], cwd=folder, check=True)
        return printed
    for line in command_lines(block.text):
        arguments = turnwise_arguments(line)
        if arguments is None:
            subprocess.run(["bash", "-euc", line], cwd=folder, check=True)
            continue
        capsys.readouterr()
        status = main(arguments)
        printed, errors = capsys.readouterr()
        assert status == 0, f"{line}\n{printed}\n{errors}"
    return printed


def check_block(block: Block, folder: Path) -> None:
    """Of a block that is not run: its shell is right, and so is every command of turnwise."""
    subprocess.run(["bash", "-n"], input=block.text, text=True, check=True)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in command_lines(block.text):
        if (arguments := turnwise_arguments(line)) is not None:
            parse_only(arguments, folder)
        if found := TARGET.match(line):
            assert found[1] in targets, line


@pytest.mark.parametrize("document", documents(ROOT), ids=lambda p: p.stem)
def test_its_commands_work(
    document: Path, sandbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_files(ROOT / "README.md", sandbox)
    write_files(document, sandbox)
    printed = ""
    for block in blocks(document.read_text(encoding="utf-8")):
        if block.is_output:
            assert block.text == printed, printed
        elif block.runs and block.reason:
            check_block(block, sandbox)
        elif block.runs:
            printed = run_block(block, sandbox, capsys)


def test_a_command_that_fails_is_found(sandbox: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (wrong,) = blocks("```sh\nturnwise plan -c none.yaml\n```\n")
    with pytest.raises(AssertionError, match=r"none\.yaml"):
        run_block(wrong, sandbox, capsys)
    (wrong,) = blocks("<!-- not run: no -->\n```sh\nmake nonsense\n```\n")
    with pytest.raises(AssertionError, match="nonsense"):
        check_block(wrong, sandbox)
