"""What a server answered: its choices, and whether they have the shape that was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import json_repair

from pipeline.engines.errors import ErrorName

MOST_TOKENS = 2**31 - 1
"""A larger count is nonsense, and sums of nonsense do not fit the columns of a row."""

JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "number": (int, float),
    "integer": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class MalformedError(ValueError):
    """A body that is no chat completion."""


@dataclass(frozen=True)
class Choice:
    """One sample: its content, or the error that stands in its place."""

    text: str = ""
    error: ErrorName | None = None
    detail: str = ""


@dataclass(frozen=True)
class Completion:
    """At least one choice, and the tokens of all of them together.

    ``tokens_cached`` are those of ``tokens_in`` that the server had from an earlier request.
    """

    choices: tuple[Choice, ...]
    tokens_in: int
    tokens_out: int
    tokens_cached: int


def completion_of(body: bytes) -> Completion:
    """A body as a server sent it, read.

    Raises:
        MalformedError: it is not JSON, or it has no choices.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the body is not JSON") from error
    choices = found.get("choices") if isinstance(found, dict) else None
    if not isinstance(choices, list) or not choices:
        raise MalformedError("the body has no choices")
    usage = _object(found.get("usage"))
    tokens_in = _count(usage.get("prompt_tokens"))
    cached = _count(_object(usage.get("prompt_tokens_details")).get("cached_tokens"))
    return Completion(
        choices=tuple(map(_choice, choices)),
        tokens_in=tokens_in,
        tokens_out=_count(usage.get("completion_tokens")),
        tokens_cached=min(cached, tokens_in),
    )


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


def _choice(choice: Any) -> Choice:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise MalformedError("a choice has no message")
    content, refusal = message.get("content"), message.get("refusal")
    if refusal or choice.get("finish_reason") == "content_filter":
        return Choice(error="refused", detail=str(refusal or ""))
    if choice.get("finish_reason") == "length":
        return Choice(error="truncated")
    if content is None or content == "":
        return Choice(error="empty")
    if not isinstance(content, str):
        raise MalformedError("the content of a choice is no text")
    return Choice(content) if content.strip() else Choice(error="empty")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    """A number of tokens; 0 for what can be none."""
    countable = isinstance(value, int) and not isinstance(value, bool)
    return value if countable and 0 < value <= MOST_TOKENS else 0


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
