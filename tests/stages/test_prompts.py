from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.workflow.annotation_stage import AnnotationConfig
from pipeline.workflow.prompt import PROMPTS, load_prompts
from pipeline.workflow.stage import load_stage

ASKING = {
    "narrate": ["narrate"],
    "polish": ["polish"],
    "caption": ["caption_events", "caption_actions"],
    "ground": ["ground"],
    "rewrite": ["rewrite"],
    "query": ["query"],
    "near_miss": ["near_miss"],
    "change_points": ["change_points"],
    "verify": ["verify"],
}
TASKS = {
    "narration": frozenset[str](),
    "event_caption": frozenset[str](),
    "action_caption": frozenset[str](),
    "event_grounding": frozenset({"question"}),
    "tsqa": frozenset({"question"}),
    "offline_qa": frozenset({"question"}),
}


def fields_of(schema: Mapping[str, Any]) -> set[str]:
    """Names of all fields of an answer, nested ones too."""
    kinds = [schema, *schema.get("$defs", {}).values()]
    return {name for kind in kinds for name in kind.get("properties", {})}


def test_every_prompt_belongs_to_a_stage() -> None:
    named = {name for names in ASKING.values() for name in names}
    assert {file.stem for file in PROMPTS.glob("*.md")} == named


@pytest.mark.parametrize("stage_name", ASKING)
def test_a_prompt_names_every_field_of_its_answer(stage_name: str) -> None:
    stage = load_stage(stage_name)
    assert stage.answer is not None
    config = stage.config()
    assert isinstance(config, AnnotationConfig)
    assert config.prompts() == (ASKING[stage_name][0],)
    for name in ASKING[stage_name]:
        text = load_prompts(name)[name].text
        for field in fields_of(stage.answer.model_json_schema()):
            assert f"`{field}`" in text, f"{name}: {field}"


@pytest.mark.parametrize("stage_name", ASKING)
def test_an_answer_is_bounded_and_closed(stage_name: str) -> None:
    answer = load_stage(stage_name).answer
    assert answer is not None
    schema = answer.model_json_schema()
    for kind in [schema, *schema.get("$defs", {}).values()]:
        assert kind["additionalProperties"] is False
        for field in kind["properties"].values():
            if field.get("type") == "string":
                assert "maxLength" in field or "enum" in field
            if field.get("type") == "array":
                assert "maxItems" in field


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_paraphrases_that_name_what_they_need(task: str) -> None:
    prompt = load_prompts("instructions")[f"instructions/{task}"]
    items = prompt.text.splitlines()
    assert len(set(items)) == len(items) >= 5
    for item in items:
        assert item.startswith("- ")
        assert prompt.__class__(task, item).variables == TASKS[task]


def test_a_description_without_a_full_stop_does_not_run_into_what_follows() -> None:
    prompt = load_prompts("instructions")["instructions/event_grounding"]
    for item in prompt.text.splitlines():
        assert item.endswith("{{ question }}"), item


def test_options_stand_on_lines_of_their_own() -> None:
    prompt = load_prompts("instructions")["instructions/options"]
    assert prompt.render({"options": "A. red\nB. green"}).splitlines()[1:] == ["A. red", "B. green"]
