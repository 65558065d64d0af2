"""An answer to any JSON schema, from what the frames show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

DEEPEST = 12
Schema = Mapping[str, Any]


class UnsupportedSchemaError(ValueError):
    """A schema that asks for what cannot be made up from a few facts."""


class UnsupportedAskError(ValueError):
    """An ask that lacks what an answer needs."""


@dataclass(frozen=True)
class Facts:
    """What is said in answer to any question."""

    changed: bool
    """For truth values."""
    count: int
    """For numbers."""
    sentence: str
    """For strings."""


def answer_to(schema: Schema, facts: Facts) -> Any:
    """JSON data that satisfies the schema, as pydantic writes schemas.

    Raises:
        UnsupportedSchemaError: the schema uses a keyword that is not understood (``pattern``,
            ``format`` ...), refers to itself without end, or cannot be satisfied.
    """
    return _answer(schema, facts, schema.get("$defs", {}), 0)


def _answer(schema: Schema, facts: Facts, defs: Schema, depth: int) -> Any:
    if depth > DEEPEST:
        raise UnsupportedSchemaError("the schema refers to itself without end")
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _choice(list(schema["enum"]), facts)
    alternatives = _alternatives(schema, defs)
    if alternatives is not None:
        return _first(alternatives, facts, defs, depth)
    kind = schema.get("type", "object" if "properties" in schema else "any")
    makers: dict[str, Callable[[], Any]] = {
        "object": lambda: _object(schema, facts, defs, depth),
        "array": lambda: _array(schema, facts, defs, depth),
        "string": lambda: _string(schema, facts),
        "integer": lambda: _number(schema, facts, whole=True),
        "number": lambda: _number(schema, facts, whole=False),
        "boolean": lambda: facts.changed,
        "null": lambda: None,
    }
    if not isinstance(kind, str) or kind not in makers:
        raise UnsupportedSchemaError(f"no answer of type {kind!r}")
    return makers[kind]()


def _alternatives(schema: Schema, defs: Schema) -> list[Schema] | None:
    """The schemas that this one only stands for, any of which will do."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix("#/$defs/")
        if name not in defs:
            raise UnsupportedSchemaError(f"no definition {schema['$ref']}")
        return [defs[name]]
    if len(schema.get("allOf", ())) == 1:
        return list(schema["allOf"])
    key = next((key for key in ("anyOf", "oneOf") if key in schema), None)
    return list(schema[key]) if key else None


def _choice(options: list[Any], facts: Facts) -> Any:
    if not options:
        raise UnsupportedSchemaError("nothing to choose from")
    said = facts.sentence.lower()
    named = (o for o in options if isinstance(o, str) and o and o.lower() in said)
    return next(named, options[0])


def _first(options: list[Schema], facts: Facts, defs: Schema, depth: int) -> Any:
    """The first alternative that can be answered, with null as the last."""
    errors: list[str] = []
    for option in sorted(options, key=lambda o: o.get("type") == "null"):
        try:
            return _answer(option, facts, defs, depth + 1)
        except UnsupportedSchemaError as error:
            errors.append(str(error))
    raise UnsupportedSchemaError("; ".join(errors) or "no alternatives")


def _object(schema: Schema, facts: Facts, defs: Schema, depth: int) -> dict[str, Any]:
    required = set(schema.get("required", ()))
    known = schema.get("properties", {})
    if not required <= set(known) or schema.get("minProperties", 0) > len(known):
        raise UnsupportedSchemaError("the schema asks for properties that it does not describe")
    found: dict[str, Any] = {}
    for name, part in known.items():
        try:
            found[name] = _answer(part, facts, defs, depth + 1)
        except UnsupportedSchemaError:
            if name in required:
                raise
    return found


def _array(schema: Schema, facts: Facts, defs: Schema, depth: int) -> list[Any]:
    least, most = schema.get("minItems", 0), schema.get("maxItems", math.inf)
    length = max(least, 1 if most >= 1 else 0)
    places = list(schema.get("prefixItems", ()))
    if length > most or (schema.get("uniqueItems") and length > 1):
        raise UnsupportedSchemaError("no list of that length")
    parts = [places[n] if n < len(places) else schema.get("items") for n in range(length)]
    try:
        return [_answer(part or {}, facts, defs, depth + 1) for part in parts]
    except UnsupportedSchemaError:
        if least == 0:
            return []
        raise


def _string(schema: Schema, facts: Facts) -> str:
    for keyword in ("pattern", "format"):
        if keyword in schema:
            raise UnsupportedSchemaError(f"no string with a {keyword}")
    text = facts.sentence[: schema.get("maxLength", len(facts.sentence))]
    return text.ljust(schema.get("minLength", 0), ".")


def _number(schema: Schema, facts: Facts, *, whole: bool) -> int | float:
    low, high = _bound(schema, "minimum", -math.inf), _bound(schema, "maximum", math.inf)
    above = _bound(schema, "exclusiveMinimum", -math.inf)
    below = _bound(schema, "exclusiveMaximum", math.inf)
    if "multipleOf" in schema or low > high or above >= below:
        raise UnsupportedSchemaError("no number within these bounds")
    if whole:
        least = max(_whole(math.ceil, low), _whole(math.floor, above) + 1)
        most = min(_whole(math.floor, high), _whole(math.ceil, below) - 1)
        if least > most:
            raise UnsupportedSchemaError("no whole number within these bounds")
        return int(min(max(facts.count, least), most))
    value = min(max(float(facts.count), low), high)
    if value <= above:
        value = (above + min(high, below, above + 2)) / 2
    if value >= below:
        value = (max(low, above, below - 2) + below) / 2
    if not (low <= value <= high and above < value < below):
        raise UnsupportedSchemaError("no number within these bounds")
    return value


def _bound(schema: Schema, keyword: str, otherwise: float) -> float:
    bound: float = schema.get(keyword, otherwise)
    return bound


def _whole(rounded: Callable[[float], int], bound: float) -> float:
    return bound if math.isinf(bound) else rounded(bound)
