"""Numbers that come to an end, in every place where a schema may have one."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.engines.vllm.schema import DECIMALS, LARGEST, decoding_schema
from pipeline.workflow.stage import load_stage

WHOLE = {"minimum": -LARGEST, "maximum": LARGEST}
DECIMAL = {**WHOLE, "multipleOf": 10.0**-DECIMALS}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "number"}, {"type": "number", **DECIMAL}),
        ({"type": "integer"}, {"type": "integer", **WHOLE}),
        ({"type": ["number", "null"]}, {"type": ["number", "null"], **DECIMAL}),
        (
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "multipleOf": 10.0**-DECIMALS},
        ),
        (
            {"type": "integer", "exclusiveMinimum": 3},
            {"type": "integer", "exclusiveMinimum": 3, "maximum": LARGEST},
        ),
        ({"type": "string"}, {"type": "string"}),
        ({"enum": [{"type": "number"}]}, {"enum": [{"type": "number"}]}),
        ({"type": "number", "enum": [0.1, 2]}, {"type": "number", "enum": [0.1, 2]}),
        ({"const": {"type": "number"}}, {"const": {"type": "number"}}),
        (
            {"type": "object", "properties": {"type": {"type": "number"}}},
            {"type": "object", "properties": {"type": {"type": "number", **DECIMAL}}},
        ),
        (
            {"anyOf": [{"type": "number"}, {"type": "null"}]},
            {"anyOf": [{"type": "number", **DECIMAL}, {"type": "null"}]},
        ),
        (
            {"$defs": {"T": {"type": "array", "items": {"type": "integer"}}}},
            {"$defs": {"T": {"type": "array", "items": {"type": "integer", **WHOLE}}}},
        ),
    ],
)
def test_numbers_are_bounded_where_nothing_else_bounds_them(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert decoding_schema(given) == expected
    assert decoding_schema(expected) == expected


def unbounded(schema: Any) -> list[Any]:
    if isinstance(schema, list):
        return [found for each in schema for found in unbounded(each)]
    if not isinstance(schema, dict):
        return []
    inner = [found for each in schema.values() for found in unbounded(each)]
    return inner + [schema] * (schema.get("type") == "number" and "multipleOf" not in schema)


@pytest.mark.parametrize(
    "name", ["caption", "ground", "change_points", "change_questions", "polish"]
)
def test_no_answer_of_a_stage_has_a_number_without_end(name: str) -> None:
    stage = load_stage(name)
    assert stage.answer is not None
    given = stage.answer.model_json_schema()
    assert unbounded(given)
    assert not unbounded(decoding_schema(given))
