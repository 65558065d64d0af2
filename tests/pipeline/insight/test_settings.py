from __future__ import annotations

import pytest

from pipeline.graph import find_stage, stage_names
from pipeline.insight.settings import describe, headline


@pytest.mark.parametrize("name", stage_names())
def test_every_setting_of_every_stage_is_explained(name: str) -> None:
    stage = find_stage("stage", name)
    text = describe(stage)
    for field, info in stage.config.model_fields.items():
        assert f"  {field} = " in text
        assert info.description, f"{name}.{field} has no description"
    assert headline(stage).startswith(name)
