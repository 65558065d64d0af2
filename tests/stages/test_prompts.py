from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.engines.answer import answer_schema, most_tokens, narrowed
from pipeline.workflow.annotation_stage import FRAME_TIMES, AnnotationConfig
from pipeline.workflow.prompt import PROMPTS, load_prompts
from pipeline.workflow.stage import load_stage

ASKING = {
    "narrate": ["narrate"],
    "narrate_breaths": ["narrate_breaths"],
    "polish": ["polish"],
    "caption": ["caption"],
    "ground": ["ground"],
    "ground_many": ["ground_many"],
    "rewrite": ["rewrite"],
    "query": ["query"],
    "near_miss": ["near_miss"],
    "change_points": ["change_points"],
    "change_questions": ["change_questions"],
    "verify": ["verify"],
    "describe_clip": ["describe_clip"],
    "clip_questions": ["clip_questions"],
    "summarise": ["summarise"],
    "merge_summaries": ["merge_summaries"],
    "taxonomy_questions": ["taxonomy_questions"],
    "memory_questions": ["memory_questions"],
    "verify_context": ["verify_context"],
    "video_type": ["video_type"],
    "type_questions": ["type_questions"],
    "relevance": ["relevance"],
    "roll_out": ["roll_out"],
}
EMBEDDED = {"embed_frame", "embed_caption"}
"""They tell a model nothing: they are what is embedded."""
TASKS = {
    "narration": frozenset[str](),
    "event_caption": frozenset[str](),
    "action_caption": frozenset[str](),
    "event_grounding": frozenset({"question"}),
    "tsqa": frozenset({"question"}),
    "offline_qa": frozenset({"question"}),
    "dense_captioning": frozenset[str](),
    "dense_captioning_after": frozenset[str](),
    "step_recognition": frozenset[str](),
    "step_recognition_after": frozenset[str](),
}


def fields_of(schema: Mapping[str, Any]) -> set[str]:
    """Names of all fields of an answer, nested ones too."""
    kinds = [schema, *schema.get("$defs", {}).values()]
    return {name for kind in kinds for name in kind.get("properties", {})}


def test_every_prompt_belongs_to_a_stage() -> None:
    named = {name for names in ASKING.values() for name in names}
    of_a_verb = {"stream", "judge"}
    assert {file.stem for file in PROMPTS.glob("*.md")} == named | EMBEDDED | of_a_verb


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
    stage = load_stage(stage_name)
    assert stage.answer is not None
    schema = narrowed(answer_schema(stage.answer), stage.config().bounds())

    def check(kind: Mapping[str, Any]) -> None:
        if "$ref" in kind:
            check(schema["$defs"][kind["$ref"].rpartition("/")[2]])
        if kind.get("type") == "object":
            assert kind["additionalProperties"] is False
            for field in kind["properties"].values():
                check(field)
        if kind.get("type") == "string":
            assert "maxLength" in kind or "enum" in kind
        if kind.get("type") == "array":
            assert "maxItems" in kind
            check(kind["items"])

    check(schema)
    assert 0 < most_tokens(schema) <= stage.config().max_tokens


@pytest.mark.parametrize("stage_name", ASKING)
def test_what_is_seen_comes_before_the_verdict_on_it(stage_name: str) -> None:
    answer = load_stage(stage_name).answer
    assert answer is not None
    names = list(answer.model_fields)
    for verdict in {"changed", "found", "negative"} & set(names):
        assert names.index("seen") < names.index(verdict)


@pytest.mark.parametrize("name", sorted({n for ns in ASKING.values() for n in ns}))
def test_a_prompt_has_a_system_part_with_all_that_every_ask_shares(name: str) -> None:
    prompt = load_prompts(name)[name]
    system = prompt.render_system({"language": "qaa"})
    assert "`qaa`" in system
    assert "A good answer" in system and "A bad answer" in system
    stage = next(stage for stage, names in ASKING.items() if name in names)
    variables = {**load_stage(stage).variables}
    names_times = FRAME_TIMES in prompt.variables
    assert names_times == (FRAME_TIMES in variables)
    if names_times:
        assert "0.5, 1.5" in prompt.render({**variables, FRAME_TIMES: [0.5, 1.5]})
        variables[FRAME_TIMES] = []
    user = prompt.render(variables)
    assert "taken at" not in user
    # Rules, and the form of the answer, are the same for all.
    lines = [line for line in user.splitlines() if not line.startswith("- ")]
    assert len(lines) <= 4 and "`" not in user and "JSON" not in user


@pytest.mark.parametrize("name", sorted({n for ns in ASKING.values() for n in ns}))
def test_the_good_answer_of_a_prompt_is_one(name: str) -> None:
    stage = load_stage(next(stage for stage, names in ASKING.items() if name in names))
    assert stage.answer is not None
    system = load_prompts(name)[name].render_system({"language": "en"})
    lines = [line for line in system.splitlines() if line.startswith(("A good", "Another good"))]
    assert lines
    for line in lines:
        text = line[line.index("{") :]
        stage.answer.model_validate_json(text)
        assert list(json.loads(text)) == list(stage.answer.model_fields)


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
