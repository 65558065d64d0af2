from __future__ import annotations

import pytest

from pipeline.engines import KINDS
from pipeline.reports.describe import describe, describe_engine, list_engines, list_stages
from pipeline.workflow.graph import find_stage, stage_names


@pytest.mark.parametrize("name", stage_names())
def test_every_setting_of_every_stage_is_explained(name: str) -> None:
    stage = find_stage("stage", name)
    text = describe(stage)
    for field, info in stage.config.model_fields.items():
        assert f"  {field} = " in text
        assert info.description, f"{name}.{field} has no description"
    assert f"\n{name} " in f"\n{list_stages()}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_of_every_kind_of_engine_is_explained(kind: str) -> None:
    text = describe_engine(kind)
    for field, info in KINDS[kind].model_fields.items():
        assert f"  {field} = " in text
        assert info.description or field in {"kind"} or kind == "embedded", f"{kind}.{field}"
    assert f"\n{kind} " in f"\n{list_engines()}"
