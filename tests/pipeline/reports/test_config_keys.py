from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from pipeline.engines import KINDS
from pipeline.manifest.reconcile.combination import Bin, Combination, SourceItem
from pipeline.manifest.reconcile.near_duplicates import SameFrames
from pipeline.manifest.rules import Rules
from pipeline.reports.config_keys import ConfigKey, config_sections
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import find_stage, stage_names

SECTIONS = {section.name: section for section in config_sections()}


def keys(name: str) -> dict[str, ConfigKey]:
    return {key.name: key for key in SECTIONS[name].keys}


def test_every_section_and_key_is_there() -> None:
    assert len(SECTIONS) == len(config_sections()), "a name is there twice"
    assert SECTIONS.keys() >= {"file", "run", "source", "corpus", "nodes", "nodes.limits"}
    assert {"extends", *RunConfig.model_fields} == keys("file").keys()
    for name in ("run", "source", "corpus"):
        model = RunConfig.model_fields[name].annotation
        assert isinstance(model, type) and issubclass(model, BaseModel)
        assert keys(name).keys() == model.model_fields.keys()
    for kind, engine in KINDS.items():
        assert keys(f"engines.{kind}").keys() == engine.model_fields.keys()
    for stage in stage_names():
        fields = find_stage("stage", stage).config.model_fields
        assert keys(f"stages.{stage}").keys() == fields.keys()


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_says_what_it_is(name: str) -> None:
    assert SECTIONS[name].meaning
    for key in SECTIONS[name].keys:
        assert key.meaning, f"{key.path}: its field has no description"
        assert key.type and key.path.endswith(key.name)


@pytest.mark.parametrize("model", [Combination, SourceItem, Bin, SameFrames, Rules])
def test_every_key_of_a_combined_manifest_says_what_it_is(model: type[BaseModel]) -> None:
    assert all(field.description for field in model.model_fields.values())


def test_a_default_is_the_value_as_yaml() -> None:
    for name in stage_names():
        model = find_stage("stage", name).config
        section = yaml.safe_load(
            "\n".join(f"{k.name}: {k.default}" for k in keys(f"stages.{name}").values()) or "{}"
        )
        assert model.model_validate(section) == model()


@pytest.mark.parametrize(
    ("section", "key", "expected"),
    [
        ("run", "workers", ("whole number or null", "at least 1, at most 10000", "null")),
        ("source", "path", ("text", "not empty", None)),
        ("source", "kind", ("choice", "manifest, folder, scenes", "manifest")),
        ("nodes", "limits", ("section", "", "{}")),
        ("nodes.limits", "rejected", ("number", "at least 0, at most 1", "0.98")),
        ("engines.vllm", "memory_share", ("number", "above 0, at most 1", "0.9")),
        ("engines.http", "further_urls", ("list of texts", "", "[]")),
        ("stages.plan_mixture", "shares", ("mapping", "each above 0, at most 1000000", "{}")),
        ("stages.dialogue", "window", ("section or null", "", "null")),
        ("stages.dialogue.window", "max_tokens", ("whole number", "at least 1", None)),
        ("stages.ingest", "schemes", ("list of texts", "", "[file]")),
    ],
)  # fmt: skip
def test_what_may_stand_there(section: str, key: str, expected: Any) -> None:
    found = keys(section)[key]
    assert (found.type, found.allowed, found.default) == expected
