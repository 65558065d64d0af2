from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipeline.engines import KINDS
from pipeline.errors import ConfigError
from pipeline.reports.config_keys import config_sections
from pipeline.reports.describe import (
    WIDTH,
    describe_config,
    describe_engine,
    describe_stage,
    list_engines,
    list_stages,
)
from pipeline.workflow.graph import STAGES, find_stage, stage_names


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def words(text: str) -> str:
    return " ".join(text.replace("`", "").split())


@pytest.mark.parametrize("name", stage_names())
def test_a_stage_is_explained_by_its_own_docstring_and_settings(name: str) -> None:
    stage = find_stage("stage", name)
    text = describe_stage(name)
    own = docstring(STAGES / f"{name}.py")
    assert words(text).startswith(words(own))
    for field, info in stage.config.model_fields.items():
        assert f"  {field} " in text
        assert words(info.description or "") in words(text)
    assert ("It asks a model" in text) == (stage.answer is not None)
    assert all(variable in text.rpartition("Its prompt names")[2] for variable in stage.variables)
    assert f"\n{name} " in f"\n{list_stages()}"
    assert words(own.partition("\n")[0]) in words(list_stages())


def test_a_stage_without_settings_says_so() -> None:
    assert describe_stage("event_caption").endswith("with stage: event_caption)\n  none")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_engine_is_explained_by_its_settings(kind: str) -> None:
    text = describe_engine(kind)
    for field, info in KINDS[kind].model_fields.items():
        assert f"  {field} " in text
        assert info.description, f"{kind}.{field}"
    assert f"\n{kind} " in f"\n{list_engines()}"


def test_the_whole_config_is_listed_and_fits_a_terminal() -> None:
    text = describe_config()
    for section in config_sections():
        assert f"  {section.keys[0].name} " in text if section.keys else True
        assert words(section.meaning) in words(text)
        assert section.name in text.rpartition("\n\n")[2]
    for shown in (text, list_stages(), list_engines()):
        assert max(map(len, shown.splitlines())) <= WIDTH


PARTS = ("", ".prices", ".placement")
"""Sections of an engine."""


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("run", ["(run)"]),
        ("engines.http", [f"(engines.ROLE{part} with kind: http)" for part in PARTS]),
        ("http", ["(engines.ROLE with kind: http)"]),
        ("limits", ["(nodes.NODE.limits)"]),
        ("nodes", ["(nodes.NODE)", "(nodes.NODE.execution)", "(nodes.NODE.limits)"]),
        (
            "engines",
            ["(at the top of the file)"]
            + [
                f"(engines.ROLE{p} with kind: {kind})"
                for kind in KINDS
                for p in PARTS
                if (kind, p) != ("embedded", ".placement")
            ],
        ),
        ("caption", ["(nodes.NODE.config with stage: caption)"]),
        ("nodes.NODE.limits.after", ["(nodes.NODE.limits)"]),
    ],
)
def test_a_name_chooses_sections(name: str, shown: list[str]) -> None:
    lines = describe_config(name).splitlines()
    heads = [line.removeprefix("settings ") for line in lines if line.startswith("settings ")]
    assert heads == shown


def test_a_path_chooses_one_key() -> None:
    assert "  workers = null" in describe_config("run.workers")
    assert "videos_per_shard =" not in describe_config("run.workers")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sorce", "there is no section 'sorce'; did you mean 'source'?"),
        ("engines.htp", "did you mean 'engines.http'?"),
        ("run.worker", "did you mean 'run.workers'?"),
        ("limts", "did you mean 'limits'?"),
        ("", "known: corpus, curate, engines, file, nodes, run, source, stages"),
    ],
)
def test_an_unknown_name_is_an_error_with_the_right_one(name: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        describe_config(name)
    assert message in str(caught.value)
