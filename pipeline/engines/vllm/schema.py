"""The JSON schema for guided decoding."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 10**9
DECIMALS = 6

PROPERTIES = frozenset({"properties", "patternProperties", "$defs", "definitions"})
"""Keys of mappings by arbitrary names, among which may be ``type``."""
VALUES = frozenset({"const", "default", "enum", "examples"})
"""Keys that hold values, not schemas."""


def decoding_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, with bounds on the digits of every number.

    Without them a model that repeats a digit writes until it runs out of tokens. So a number is
    within 1e9 either way and has at most six decimals, unless its schema has other bounds; no time
    or score needs more. Texts and lists get no bounds: cut short, they would pass for complete,
    while one that runs on is reported as ``truncated``.
    """
    bounded = {key: _inner(key, value) for key, value in schema.items()}
    if "enum" in bounded:
        return bounded  # each value has its digits
    types = schema.get("type")
    types = [types] if isinstance(types, str) else types or ()
    if "number" in types or "integer" in types:
        if not {"maximum", "exclusiveMaximum"} & bounded.keys():
            bounded["maximum"] = LARGEST
        if not {"minimum", "exclusiveMinimum"} & bounded.keys():
            bounded["minimum"] = -LARGEST
    if "number" in types:
        bounded.setdefault("multipleOf", 10.0**-DECIMALS)
    return bounded


def _inner(key: str, value: Any) -> Any:
    if key in VALUES:
        return value
    if isinstance(value, list):
        return [decoding_schema(each) if isinstance(each, Mapping) else each for each in value]
    if not isinstance(value, Mapping):
        return value
    if key in PROPERTIES:
        return {name: _inner("", each) for name, each in value.items()}
    return decoding_schema(value)
