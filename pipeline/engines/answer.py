"""Whether a text is the JSON answer that was asked for, and broken JSON repaired."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import json_repair

from pipeline.engines.errors import ErrorName


@dataclass(frozen=True)
class Choice:
    """One sample: its content, or the error that stands in its place."""

    text: str = ""
    error: ErrorName | None = None
    detail: str = ""


def has_shape(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether a text is JSON with the top level that a schema describes.

    What lies deeper is left to who reads the answer, but for half characters, which no one can
    write.
    """
    try:
        value = json.loads(text)
        # Half a character stands in the text as it is, or hides in an escape.
        (json.dumps(value, ensure_ascii=False) if "\\u" in text else text).encode()
    except (ValueError, RecursionError):
        return False
    return _fits(value, schema)


def mended(text: str, schema: Mapping[str, Any]) -> str | None:
    """Broken JSON as the JSON it was meant to be; None where that has not the shape either."""
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
    """Whether a value is of one of the types that a schema names; any will do where none is."""
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
"""The ``detail`` of a reply whose broken JSON was mended."""
