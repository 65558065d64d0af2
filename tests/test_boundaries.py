"""What the import contract in pyproject.toml (``make check``) cannot say: sizes, names, arrows."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("pipeline", "stages", "data_manifest")
SOURCES = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py"))
ALL = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted(ROOT.glob("benchmarks/**/*.py"))]

MOST_ARROWS = 90


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def box(module: str) -> str:
    """What is drawn as one: a package or file of ``pipeline``, or another folder of the top."""
    head, _, rest = module.partition(".")
    return f"pipeline.{rest.partition('.')[0]}" if head == "pipeline" else head


def test_arrows_between_packages_are_few() -> None:
    arrows = set()
    for path in SOURCES:
        here = box(name_of(path).removesuffix(".py").replace("/", "."))
        for name in imported(path):
            if name.partition(".")[0] in FOLDERS and box(name) != here:
                arrows.add((here, box(name)))
    assert len(arrows) <= MOST_ARROWS, sorted(arrows)


def test_the_top_of_pipeline_is_small() -> None:
    assert len([p for p in (ROOT / "pipeline").iterdir() if p.name != "__pycache__"]) <= 17


def test_decord_is_imported_in_one_place() -> None:
    users = [p for p in SOURCES if 'import_module("decord")' in p.read_text(encoding="utf-8")]
    assert [name_of(path) for path in users] == ["pipeline/media/reader/decord_reader.py"]
    assert not any("decord" in imported(path) for path in SOURCES)


@pytest.mark.parametrize("path", sorted((ROOT / "stages").glob("*.py")), ids=name_of)
def test_a_stage_imports_no_other(path: Path) -> None:
    for name in imported(path):
        if name.startswith("stages"):
            assert name.partition(".")[2].startswith("_"), f"{name} is a stage"
        assert name != "os", "a stage reaches files through its context"


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_no_file_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_broad_excepts_are_where_a_shard_fails_and_where_clients_of_stores_raise() -> None:
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                names = (
                    {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
                    if node.type
                    else {""}
                )
                if names & {"", "Exception", "BaseException"}:
                    found.append(name_of(path))
    assert set(found) == {
        "pipeline/execution/executors/run_metrics.py",  # which fails no run
        "pipeline/execution/worker.py",
        "pipeline/media/files.py",
        "pipeline/store/object_store.py",
        "pipeline/workflow/source.py",
    }


def test_modules_beside_run_shadow_nothing() -> None:
    names = {p.stem for p in (ROOT / "pipeline").iterdir() if p.name != "__init__.py"}
    dependencies = {"ray", "vllm", "yaml", "pydantic", "pyarrow", "datasets", "typer", "rich", "av"}
    assert not names & (set(sys.stdlib_module_names) | dependencies)


def test_tests_are_no_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_every_stage_has_a_test_and_every_public_module_a_stage() -> None:
    from pipeline.workflow.stage import Stage, load_stage

    for path in (ROOT / "stages").glob("[!_]*.py"):
        assert isinstance(load_stage(path.stem), Stage)
        assert load_stage(path.stem).name == path.stem
        assert (ROOT / "tests" / "stages" / f"test_{path.stem}.py").exists(), path.stem
