"""The response to a chat completion request, parsed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pipeline.engines.answer import Choice

MOST_TOKENS = 2**31 - 1
"""Larger counts are taken for errors of the server; sums of them would not fit a column."""


class MalformedError(ValueError):
    """The body is no chat completion."""


@dataclass(frozen=True)
class Completion:
    """At least one choice, and the tokens of all of them together.

    ``tokens_cached`` are those of ``tokens_in`` that the server had cached. ``model`` is what the
    server says that it answered with, empty where it does not.
    """

    choices: tuple[Choice, ...]
    tokens_in: int
    tokens_out: int
    tokens_cached: int
    model: str = ""


def completion_of(body: bytes) -> Completion:
    """The completion that a body holds.

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
    model = found.get("model")
    tokens_in = token_count(usage.get("prompt_tokens"))
    cached = token_count(_object(usage.get("prompt_tokens_details")).get("cached_tokens"))
    return Completion(
        choices=tuple(map(_choice, choices)),
        tokens_in=tokens_in,
        tokens_out=token_count(usage.get("completion_tokens")),
        tokens_cached=min(cached, tokens_in),
        model=model if isinstance(model, str) else "",
    )


def _choice(choice: Any) -> Choice:
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(message, dict):
        raise MalformedError("a choice has no message")
    content, refusal = message.get("content"), message.get("refusal")
    if refusal or choice.get("finish_reason") == "content_filter":
        return Choice(error="refused", detail=refusal if isinstance(refusal, str) else "")
    if choice.get("finish_reason") == "length":
        return Choice(error="truncated", detail=content if isinstance(content, str) else "")
    if content is None or content == "":
        return Choice(error="empty")
    if not isinstance(content, str):
        raise MalformedError("the content of a choice is no text")
    return Choice(content) if content.strip() else Choice(error="empty")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def token_count(value: Any) -> int:
    """A number of tokens; 0 for any other value."""
    countable = isinstance(value, int) and not isinstance(value, bool)
    return value if countable and 0 < value <= MOST_TOKENS else 0
