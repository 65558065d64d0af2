"""What the documents say is there is there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli.verbs import VERBS
from pipeline.run import main
from tests.documents.blocks import blocks, command_lines, turnwise_arguments

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *(ROOT / f"{folder}/README.md" for folder in ("data_manifest", "benchmarks", "examples")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
GENERATED = {"verbs", "config", "stages", "engines", "rejects", "formats", "columns"}
"""Pages of docs/reference/ that are there once the site is built, which checks links to them."""


def dead_links(path: Path) -> list[str]:
    """The links of a document that lead to no file, or to no heading of one."""
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        name, _, heading = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if link.startswith("https://"):
            continue
        if target.parent == ROOT / "docs" / "reference" and target.stem in GENERATED:
            continue
        if not target.exists() or (heading and heading not in headings(target)):
            dead.append(link)
    return dead


def headings(path: Path) -> set[str]:
    """The names by which headings are linked to."""
    lines = path.read_text(encoding="utf-8").splitlines()
    titles = (line.lstrip("#").strip().lower() for line in lines if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Path) -> None:
    assert not dead_links(path)


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# It is\n\n[a](there.md#it-is) [b](#it-is)\n")
    assert not dead_links(tmp_path / "there.md")
    (tmp_path / "page.md").write_text("[a](nowhere.md) [b](there.md#it-was) [c](there.md)\n")
    assert dead_links(tmp_path / "page.md") == ["nowhere.md", "there.md#it-was"]


def test_every_verb_is_named_and_every_named_verb_exists() -> None:
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    lines = [line for t in texts for b in blocks(t) if b.runs for line in command_lines(b.text)]
    given = [turnwise_arguments(line) or [""] for line in lines]
    named = {words[0] for words in given if words[0] and not words[0].startswith("-")}
    text = "".join(texts)
    named |= set(re.findall(r"`(?:turnwise|python pipeline/run\.py) ([a-z]+)", text))
    assert named <= VERBS.keys()
    for verb in VERBS:
        assert verb in named or f"`{verb}`" in text, verb


def test_the_drawing_has_every_stage() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for path in (ROOT / "stages").glob("[!_]*.py"):
        assert path.stem in text, path.stem


def test_the_documents_name_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in DOCUMENTS:
        named = re.findall(r"(?:`|^)make ([a-z-]+)", path.read_text(encoding="utf-8"), re.M)
        assert set(named) <= targets, path


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_help_needs_nothing_and_ends_well() -> None:
    command = [sys.executable, "pipeline/run.py", "--help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "Usage" in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out
