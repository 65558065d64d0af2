"""The schema that an answer is decoded by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LARGEST = 10**9
DECIMALS = 6

PROPERTIES = frozenset({"properties", "patternProperties", "$defs", "definitions"})
"""Keys under which the names are free, so that one may be called ``type``."""
VALUES = frozenset({"const", "default", "enum", "examples"})
"""Keys that hold values, not schemas."""


def decoding_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema, with every number held to digits that can come to an end.

    A number may by rights go on for ever, and a model that falls into repeating a digit writes
    until its tokens are spent. So a number stays within a thousand million either way and has six
    decimals at most, unless its schema says otherwise; no time or score needs more. Texts and lists
    are left as they are: one that is cut off by force would pass for whole, while one that runs on
    is reported as ``truncated``.
    """
    bounded = {key: _inner(key, value) for key, value in schema.items()}
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
