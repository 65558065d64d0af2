"""What the documents say is there is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.run import app

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / n for n in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md")]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_every_verb_is_named_and_every_named_verb_exists() -> None:
    verbs = {
        command.name or command.callback.__name__
        for command in app.registered_commands
        if command.callback
    }
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert set(re.findall(r"pipeline/run\.py (\w+)", text)) <= verbs
    for verb in verbs:
        assert f"`{verb}`" in text, verb


def test_the_drawing_has_every_stage() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for path in (ROOT / "stages").glob("[!_]*.py"):
        assert path.stem in text, path.stem


def test_the_readme_names_every_make_target_it_uses() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    assert set(re.findall(r"`?make ([a-z-]+)", text)) <= targets | {"sets"}


@pytest.mark.parametrize(
    "verb",
    [(), *((name,) for name in ("run", "plan", "status", "stages", "engines", "scenes", "truth"))]
    + [(name,) for name in ("export", "convert", "audit")],
)
def test_help_needs_nothing_and_ends_well(verb: tuple[str, ...]) -> None:
    command = [sys.executable, "pipeline/run.py", *verb, "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Usage" in done.stdout
