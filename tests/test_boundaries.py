"""The architecture as the tree has it: who imports what, sizes, names."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("pipeline", "stages", "data_manifest")
SOURCES = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py"))
ALL = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted(ROOT.glob("benchmarks/*.py"))]

ONLY_IN = {
    "ray": {"pipeline/ray_cluster.py", "pipeline/ray_executor.py"},
    "vllm": {"pipeline/engines/vllm/model.py"},
    "av": {"pipeline/media/pyav_reader.py"},
    "decord": {"pipeline/media/decord_reader.py"},
    "huggingface_hub": {"pipeline/corpus/hub.py", "pipeline/doctor/weights.py"},
    "typer": {
        "pipeline/run.py",
        "pipeline/run_files.py",
        "pipeline/run_doctor.py",
        "pipeline/run_garbage.py",
        "pipeline/run_manifest.py",
        "pipeline/run_rejects.py",
        "pipeline/run_shards.py",
        "pipeline/run_truth.py",
        "pipeline/options.py",
    },
    "webdataset": {"pipeline/corpus/tars.py"},
    "fsspec": {"pipeline/location.py"},
}

STAGES_MAY_IMPORT = {
    "pipeline.records",
    "pipeline.stage",
    "pipeline.prompt",
    "pipeline.fingerprint",
    "pipeline.lots",
    "pipeline.states",
    "pipeline.engines.base",
    "pipeline.media.base",
    "pipeline.dialogue",
}

IMPURE = {"time", "datetime", "random", "os", "socket", "subprocess", "uuid", "secrets", "platform"}

SUBPACKAGES = {
    *("engines", "media", "dialogue", "corpus", "insight", "scoring", "doctor", "manifest"),
}

MAY_KNOW = {
    # insight tells of runs, so it reads their plans; it stands above the spine, not below it.
    "insight": {
        "pipeline.engines.base",
        "pipeline.engines.errors",
        "pipeline.graph",
        "pipeline.location",
        "pipeline.run_log",
        "pipeline.stage",
        "pipeline.worker",
        "pipeline.plan",
        "pipeline.store",
        "pipeline.schema",
        "pipeline.suggest",
        "pipeline.truth",
    },
    "corpus": {"pipeline.schema", "pipeline.fingerprint", "pipeline.states"},
    "media": {"pipeline.truth", "pipeline.fingerprint", "pipeline.location"},
    "dialogue": {"pipeline.states", "pipeline.special_tokens", "pipeline.scratch"},
    "engines": {"pipeline.fingerprint"},
    "scoring": set[str](),
    # how JSON files of any size are read and written, and what Streamo's own files mean; files are
    # glanced at in the decoder's process.
    "manifest": {
        "pipeline.dialogue.json_rows",
        "pipeline.dialogue.json_writer",
        "pipeline.dialogue.raw",
        "pipeline.dialogue.tiling",
        "pipeline.lots",
        "pipeline.media.base",
        "pipeline.media.decode",
        "pipeline.schema",
        "pipeline.scratch",
        "pipeline.suggest",
        "pipeline.yaml_text",
    },
    # the doctor examines a whole run, so it stands beside the runner and above all rooms.
    "doctor": {
        "pipeline.config",
        "pipeline.dialogue.budget",
        "pipeline.engines",
        "pipeline.engines.base",
        "pipeline.engines.http.client",
        "pipeline.engines.http.config",
        "pipeline.engines.http.key",
        "pipeline.engines.vllm.config",
        "pipeline.graph",
        "pipeline.insight.matching",
        "pipeline.insight.truth",
        "pipeline.location",
        "pipeline.media.base",
        "pipeline.media.decode",
        "pipeline.media.scene_scripts",
        "pipeline.media.scene_truth",
        "pipeline.media.scenes",
        "pipeline.prompt",
        "pipeline.source",
        "pipeline.stage",
        "pipeline.suggest",
        "pipeline.truth",
    },
}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_library_is_imported_in_one_place(library: str) -> None:
    users = {
        name_of(path)
        for path in SOURCES
        if library in {name.partition(".")[0] for name in imported(path)}
    }
    assert users <= ONLY_IN[library]


def test_pipeline_never_imports_stages_or_adapters() -> None:
    for path in (ROOT / "pipeline").rglob("*.py"):
        heads = {n.partition(".")[0] for n in imported(path)}
        assert not heads & {"stages", "data_manifest"}, name_of(path)


@pytest.mark.parametrize("path", sorted((ROOT / "data_manifest").glob("*.py")), ids=name_of)
def test_an_adapter_knows_the_room_of_manifests_and_no_other(path: Path) -> None:
    for name in imported(path):
        head = name.partition(".")[0]
        known = head in sys.stdlib_module_names or head in {"pydantic", "pyarrow", "datasets"}
        assert known or name.startswith("pipeline.manifest."), f"{name_of(path)} imports {name}"
        assert head not in IMPURE - {"os"}, f"{head}: what an adapter reads is files alone"


@pytest.mark.parametrize("path", sorted((ROOT / "stages").glob("*.py")), ids=name_of)
def test_a_stage_reaches_nothing_but_its_seams(path: Path) -> None:
    extra = {"pipeline.corpus"} if path.stem == "shard" else set[str]()
    for name in imported(path):
        head = name.partition(".")[0]
        if head == "pipeline":
            allowed = STAGES_MAY_IMPORT | extra
            assert any(name == a or name.startswith(a + ".") for a in allowed), name
        elif head == "stages":
            assert name.partition(".")[2].startswith("_"), f"{name} is a stage"
        else:
            assert head not in IMPURE, f"{head}: a stage is pure"


@pytest.mark.parametrize("folder", sorted(SUBPACKAGES))
def test_a_subpackage_knows_no_other(folder: str) -> None:
    for path in (ROOT / "pipeline" / folder).rglob("*.py"):
        for name in imported(path):
            if name.startswith("pipeline.") and not name.startswith(f"pipeline.{folder}"):
                known = {"pipeline.records"} | MAY_KNOW[folder]
                assert name in known, f"{name_of(path)} imports {name}"


@pytest.mark.parametrize("path", ALL, ids=name_of)
def test_no_file_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_one_broad_except() -> None:
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
    assert found == ["pipeline/worker.py"]


def test_modules_beside_run_shadow_nothing() -> None:
    names = {p.stem for p in (ROOT / "pipeline").iterdir() if p.name != "__init__.py"}
    dependencies = {"ray", "vllm", "yaml", "pydantic", "pyarrow", "datasets", "typer", "rich", "av"}
    assert not names & (set(sys.stdlib_module_names) | dependencies)


def test_tests_are_no_package() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_every_stage_has_a_test_and_every_public_module_a_stage() -> None:
    from pipeline.stage import Stage, load_stage

    for path in (ROOT / "stages").glob("[!_]*.py"):
        assert isinstance(load_stage(path.stem), Stage)
        assert load_stage(path.stem).name == path.stem
        assert (ROOT / "tests" / "stages" / f"test_{path.stem}.py").exists(), path.stem
