"""The JSON schema of an answer: makes it, checks whether a text fits it, and repairs one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
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


ITEM = "[]"
"""In the path of a field: each item of a list."""


def narrowed(
    schema: Mapping[str, Any], fields: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """The schema with further keywords on fields, such as ``enum``, by path of the field.

    A path has the names of properties, joined by dots: ``lines.time_s`` is the field ``time_s`` of
    each item of the list ``lines``, and ``numbers.[]`` each item of the list ``numbers``. Keywords
    replace those of the same name.

    Raises:
        ValueError: the schema has no such field.
    """
    made = dict(schema)
    for path, keywords in fields.items():
        made = _narrowed(made, path.split("."), keywords, schema.get("$defs", {}), path)
    return made


def _narrowed(
    schema: Mapping[str, Any],
    names: Sequence[str],
    keywords: Mapping[str, Any],
    defs: Mapping[str, Any],
    path: str,
) -> dict[str, Any]:
    """Definitions on the way are copied to where they are used: elsewhere they stay as wide."""
    if "$ref" in schema:
        schema = defs[str(schema["$ref"]).removeprefix("#/$defs/")]
    if not names:
        return {**schema, **keywords}
    if "items" in schema:
        names = names[1:] if names[0] == ITEM else names
        return {**schema, "items": _narrowed(schema["items"], names, keywords, defs, path)}
    properties = schema.get("properties", {})
    if names[0] not in properties:
        raise ValueError(f"an answer {schema.get('title')!r} has no field {path!r}")
    field = _narrowed(properties[names[0]], names[1:], keywords, defs, path)
    return {**schema, "properties": {**properties, names[0]: field}}


CHARACTERS_A_TOKEN = 3
"""Of a Latin script, rather too few than too many. Others have fewer, down to one."""
NUMBER_TOKENS = 8


def most_tokens(schema: Mapping[str, Any], defs: Mapping[str, Any] | None = None) -> int:
    """About how many tokens the longest answer to a schema has.

    What has no bound counts nothing: it ends where the tokens end, and is reported as truncated.
    """
    defs = schema.get("$defs", {}) if defs is None else defs
    if "$ref" in schema:
        return most_tokens(defs[str(schema["$ref"]).removeprefix("#/$defs/")], defs)
    if "anyOf" in schema:
        return max(most_tokens(each, defs) for each in schema["anyOf"])
    if "properties" in schema:
        names = schema["properties"]
        keys = sum(_text_tokens(len(name)) + 2 for name in names)
        return 2 + keys + sum(most_tokens(each, defs) for each in names.values())
    if "items" in schema:
        return 2 + int(schema.get("maxItems", 0)) * (1 + most_tokens(schema["items"], defs))
    if schema.get("type") == "string":
        longest = max((len(value) for value in schema.get("enum", ())), default=0)
        return _text_tokens(longest or int(schema.get("maxLength", 0)))
    return NUMBER_TOKENS if schema.get("type") in ("number", "integer") else 1


def _text_tokens(characters: int) -> int:
    """In quotation marks."""
    return 2 + characters // CHARACTERS_A_TOKEN


@dataclass(frozen=True)
class Choice:
    """One sample: its content, or an error instead."""

    text: str = ""
    error: ErrorName | None = None
    detail: str = ""


REPAIRABLE_CHARACTERS = 8192
"""Of a longer text the repair takes time with the square of its length: minutes, where it is made
for that."""


def parsed(text: str) -> Any:
    """The value of a text that is JSON by the standard and means the same to each who reads it.

    Raises:
        ValueError: it is no JSON, has a number that is none or is beyond a float, or an object
            with one key twice.
        RecursionError: it is nested too deep.
    """
    return _DECODER.decode(text)


def _object_of(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _finite(number: str) -> float:
    if not isfinite(value := float(number)):
        raise ValueError(f"{number} is no number")
    return value


# Made once: it takes longer to make one than to read a short answer.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object_of, parse_float=_finite, parse_constant=_finite
)


def has_shape(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether a text is such an answer as ``shaped`` takes."""
    try:
        shaped(text, schema)
    except (ValueError, RecursionError):
        return False
    return True


def shaped(text: str, schema: Mapping[str, Any]) -> Any:
    """The value of a text that is JSON with the top level that a schema describes, free of lone
    surrogates.

    By hand, not by ``jsonschema``: deeper levels are validated once, by the answer class of the
    stage, which is laxer about types (it takes "3" for 3) than a schema is. Of what the top level
    lets choose (``enum``), each value is one; in lists that is for the stage to judge, by item.

    Raises:
        ValueError, RecursionError: the text is none.
    """
    value = parsed(text)
    # A lone surrogate is in the text as it is, or in an escape.
    (json.dumps(value, ensure_ascii=False) if "\\u" in text else text).encode()
    if not _fits(value, schema):
        raise ValueError("it has not the top level of the schema")
    return value


def repaired(text: str, schema: Mapping[str, Any]) -> str | None:
    """Invalid JSON, repaired; None if the result does not have the shape either.

    None too for a text longer than ``REPAIRABLE_CHARACTERS``, for one that breaks off in a text,
    of which a repair would keep half a sentence, and for one that is JSON to a lax reader: of a key
    that stands twice, a repair would drop what was said first.
    """
    if len(text) > REPAIRABLE_CHARACTERS or _breaks_off(text) or _is_lax_json(text):
        return None
    try:
        value = json_repair.loads(text)
        whole = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
    return whole if has_shape(whole, schema) else None


def _breaks_off(text: str) -> bool:
    """Whether a text is begun and not ended: one of its quotation marks has no other."""
    return re.sub(r"\\.", "", text).count('"') % 2 == 1


def _is_lax_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


ENDS = frozenset(".!?\u2026\u3002\uff01\uff1f\"'\u201d\u2019\u00bb)")
"""What a text may end with that was not cut: a mark, or what closes a quotation."""
NO_WORDS = frozenset({"enum", "const", "contentEncoding"})
"""Keywords of a text that nobody worded."""


FreeText = tuple[str, Mapping[str, Any]]
"""A text of an answer, and its own schema."""


def free_texts(
    value: Any,
    schema: Mapping[str, Any],
    defs: Mapping[str, Any] | None = None,
    *,
    without: str = "",
) -> Iterator[FreeText]:
    """The texts of an answer, each with its own schema, but for those that it chose (``enum``),
    that are given (``const``) or that hold bytes (``contentEncoding``), and those of fields named
    ``without``."""
    defs = schema.get("$defs", {}) if defs is None else defs
    if "$ref" in schema:
        schema = defs[str(schema["$ref"]).removeprefix("#/$defs/")]
    if isinstance(value, str):
        if not schema.keys() & NO_WORDS:
            yield value, schema
    elif isinstance(value, dict):
        properties = schema.get("properties", {})
        for name in filter(properties.__contains__, value):
            if name != without:
                yield from free_texts(value[name], properties[name], defs, without=without)
    elif isinstance(value, list):
        for each in value:
            yield from free_texts(each, schema.get("items", {}), defs, without=without)


def cut_text(texts: Iterable[FreeText]) -> str:
    """The first of the texts of an answer that its schema cut; empty where there is none.

    A decoder that is held to a schema ends a text at its ``maxLength``, wherever it is by then. So
    one that is just as long, and does not end as texts do, is half a text.
    """
    for text, own in texts:
        if len(text) == own.get("maxLength") and text[-1:] not in ENDS:
            return text
    return ""


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
        _is(value[name], properties[name].get("type"))
        and value[name] in properties[name].get("enum", [value[name]])
        for name in value
        if name in properties
    )


def _is(value: Any, names: Any) -> bool:
    """Whether a value has one of the types that a schema names; true if it names none."""
    if isinstance(names, str):
        return _is_a(value, names)
    return names is None or any(_is_a(value, name) for name in names)


def _is_a(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, JSON_TYPES[name])


REPAIRED = "repaired"
"""The ``detail`` of a reply whose JSON was repaired."""
