"""One standard term a concept: nothing is called by a word that such a term replaced.

``python tests/test_words.py [FOLDER]`` lists what is left in a tree: file, line and word.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("pipeline", "stages", "data_manifest")
PYTHON = (*SOURCES, "benchmarks", "tests")

STAGES = frozenset({"told", "existing", "draw", "mix", "shard"})
"""Names that stages had."""

PARTS = re.compile(
    r"seats?|lanes?|frontiers?|lots?|apportioned|heard|unheard|tolds?|glances?|sights?|sighted"
    r"|gathered|fates?|unions|begun|climb|ledgers?"
)
"""Words that are no part of an identifier or key: ``_told``, ``by_lot`` and ``HumanLedger``."""

NAMES = {
    PYTHON: """
        Guard CollapseError GivenReply EngineSeat publish_corpus run_alive scratch hosts apart
        Exchange Gate Room Scan load_ledger find_adapter in_order
        """,
    SOURCES: "broken Videos",
}
"""Identifiers, and where they are not to be. As a part of another some of them are right."""

MODULES = {
    "pipeline": """
        seat frontier guard lots suggest run_alive scratch fingerprint states sight unions glance
        tars insight
        """,
    "pipeline/engines": "room gate asking drawing pictures faults counts key",
    "pipeline/media": "scan messages scene_list scene_scripts scene_truth container_count",
    "pipeline/manifest": "near draw quotas gathered exchange find ledger",
    "pipeline/dialogue": "placing spelling labels compat",
    "pipeline/corpus": "placing spelling labels compat videos",
    "pipeline/reports": "examine longest overlaps",
    "pipeline/store": "rows",
    "pipeline/workflow": "rows",
    "stages": "told existing draw mix shard",
}
"""Files and packages, below which folder. Their tests are ``tests/…/test_….py``."""

METAPHORS = re.compile(
    r"\b(seats?|lanes?|frontiers?|glances?|gates?|rooms?|lots(?! of)|(?<!a )lot)\b", re.IGNORECASE
)
"""Terms that no docstring, comment or document uses."""
LAYERS = re.compile(METAPHORS.pattern + r"|\bfloors?\b", re.IGNORECASE)
"""In documents also what packages and layers were called; in code ``floor`` is of numbers."""


def old_in_python(path: Path, folder: str) -> Iterator[tuple[int, str]]:
    """Line and word of the identifiers, docstrings and comments of one file."""
    names = {name for where, text in NAMES.items() if folder in where for name in text.split()}
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        line, text = token.start[0], token.string
        if token.type == tokenize.NAME:
            if text in names or has_old_part(text):
                yield line, text
        elif token.type == tokenize.COMMENT or text.startswith('"""'):
            for found in METAPHORS.finditer(text):
                yield line + text.count("\n", 0, found.start()), found[0]


def old_in_document(path: Path) -> Iterator[tuple[int, str]]:
    """Line and word of the terms, of the names in code, and of headings."""
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield from ((line, found[0]) for found in LAYERS.finditer(text))
        for name in re.findall(r"`([^`]+)`", text):
            if name in STAGES or has_old_part(name):
                yield line, name
        if text.startswith("#") and has_old_part(text):
            yield line, text


def old_in_config(value: Any) -> Iterator[str]:
    """Keys, and names of stages and nodes."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in STAGES or has_old_part(str(key)):
                yield str(key)
            if key in {"stage", "after"}:
                yield from STAGES.intersection([item] if isinstance(item, str) else item)
            yield from old_in_config(item)
    elif isinstance(value, list):
        for item in value:
            yield from old_in_config(item)


def has_old_part(name: str) -> bool:
    """Of a name in snake or camel case, or a text: whether one of its words is an old one."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)
    return any(PARTS.fullmatch(part.lower()) for part in parts)


def old_module(name: str) -> bool:
    """Of a path below the root: whether its last part, as a file or package, is an old one."""
    place = re.sub(r"^tests/(?=pipeline/|stages/)", "", name)
    stem = Path(name).stem.removeprefix("test_")
    return any(
        place.startswith(f"{folder}/") and stem in stems.split()
        for folder, stems in MODULES.items()
    ) and not place.startswith("pipeline/corpus/formats/")  # its files have the names of formats


def old_words(root: Path) -> Iterator[str]:
    """``file:line: word`` of everything in a tree that has an old name."""
    for folder in PYTHON:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if "__pycache__" in path.parts:
                continue
            if (path.is_dir() or path.suffix == ".py") and old_module(name):
                yield f"{name}:1: {path.stem}"
            if path.suffix == ".py" and path.name != Path(__file__).name:
                yield from (f"{name}:{line}: {word}" for line, word in old_in_python(path, folder))
    folders = (root, root / ".github", *(root / name for name in PYTHON))
    pages = {path for name in ("docs", "examples") for path in (root / name).rglob("*.md")}
    for path in sorted(pages | {path for folder in folders for path in folder.glob("*.md")}):
        name = path.relative_to(root).as_posix()
        yield from (f"{name}:{line}: {word}" for line, word in old_in_document(path))
    for path in sorted((root / "configs").rglob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        yield from (f"{path.relative_to(root).as_posix()}: {w}" for w in old_in_config(content))


def test_no_old_word_remains() -> None:
    found = list(old_words(ROOT))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("stages/new.py", "def f(told_of: int) -> int:\n    return 1\n", "1: told_of"),
        ("pipeline/cli/new.py", "class EngineSeat:\n    pass\n", "1: EngineSeat"),
        ("pipeline/cli/new.py", "broken = 1\n", "1: broken"),
        ("tests/new.py", "x = 1\nunheard = 2\n", "2: unheard"),
        ("benchmarks/new.py", '"""A file.\n\nIts lanes.\n"""\n', "3: lanes"),
        ("pipeline/engines/http/key.py", "", "1: key"),
        ("tests/stages/test_mix.py", "", "1: test_mix"),
        ("README.md", "# It\n\n| stage | does |\n|---|---|\n| `draw` | draws |\n", "5: draw"),
        ("README.md", "# What is told\n", "1: # What is told"),
        ("configs/new.yaml", "nodes: {a: {stage: existing}}\n", " existing"),
        ("configs/new.yaml", "a: {last_lot: 1}\n", " last_lot"),
    ],
)
def test_an_old_word_is_found(tmp_path: Path, name: str, text: str, found: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert set(old_words(tmp_path)) == {f"{name}:{found}"}


def test_ordinary_words_are_not(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    ordinary = '"""It is told a lot, and kept apart."""\n\nbroken = floor = seating = 1\n'
    (tmp_path / "tests/ordinary.py").write_text(ordinary, encoding="utf-8")
    (tmp_path / "README.md").write_text("What a user is told: a lot.\n", encoding="utf-8")
    assert not list(old_words(tmp_path))


if __name__ == "__main__":
    print(*old_words(Path(sys.argv[1]) if sys.argv[1:] else ROOT), sep="\n")
