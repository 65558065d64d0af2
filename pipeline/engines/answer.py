"""The JSON schema of an answer: makes it, checks whether a text fits it, and repairs one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import json_repair
from pydantic import BaseModel

from pipeline.engines.errors import ErrorName


def answer_schema(answer: type[BaseModel]) -> Mapping[str, Any]:
    """The JSON schema of an answer class, as engines and recipes have it.

    Without the docstrings of classes, which Python drops at ``-OO``: the schema is identity.
    """
    schema = answer.model_json_schema()
    for each in (schema, *schema.get("$defs", {}).values()):
        each.pop("description", None)
    return schema


@dataclass(frozen=True)
class Choice:
    """One sample: its content, or an error instead."""

    text: str = ""
    error: ErrorName | None = None
    detail: str = ""


def has_shape(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether a text is JSON with the top level that a schema describes, free of lone surrogates.

    By hand, not by ``jsonschema``: deeper levels are validated once, by the answer class of the
    stage, which is laxer about types (it takes "3" for 3) than a schema is.
    """
    try:
        value = json.loads(text)
        # A lone surrogate is in the text as it is, or in an escape.
        (json.dumps(value, ensure_ascii=False) if "\\u" in text else text).encode()
    except (ValueError, RecursionError):
        return False
    return _fits(value, schema)


def repaired(text: str, schema: Mapping[str, Any]) -> str | None:
    """Invalid JSON, repaired; None if the result does not have the shape either."""
    try:
        value = json_repair.loads(text)
        whole = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return whole if has_shape(whole, schema) else None


JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    if not _is(value, schema.get("type")):
        return False
    if not isinstance(value, dict):
        return True
    properties = schema.get("properties", {})
    if not value.keys() >= set(schema.get("required", ())):
        return False
    if schema.get("additionalProperties") is False and value.keys() - properties.keys():
        return False
    return all(
        _is(value[name], properties[name].get("type")) for name in value if name in properties
    )


def _is(value: Any, names: Any) -> bool:
    """Whether a value has one of the types that a schema names; true if it names none."""
    if names is None:
        return True
    return any(_is_a(value, name) for name in ([names] if isinstance(names, str) else names))


def _is_a(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, JSON_TYPES[name])


REPAIRED = "repaired"
"""The ``detail`` of a reply whose JSON was repaired."""
