"""The response to a request for a chat completion or for an embedding, parsed."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.engines.answer import Choice
from pipeline.engines.embedding import Embedding

MOST_TOKENS = 2**31 - 1
"""Larger counts are taken for errors of the server; sums of them would not fit a column."""


class MalformedError(ValueError):
    """The body is not what was asked for."""


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


def embedding_of(body: bytes) -> Completion:
    """The vector that a body holds, as the one choice of a completion.

    Servers send it as a list of numbers, or as base64 of float32.

    Raises:
        MalformedError: it is not JSON, or it has no vector.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the body is not JSON") from error
    data = found.get("data") if isinstance(found, dict) else None
    if not isinstance(data, list) or len(data) != 1:
        raise MalformedError("the body has not the one embedding that was asked for")
    sent = _object(data[0]).get("embedding")
    try:
        if isinstance(sent, str):
            sent = np.frombuffer(b64decode(sent), "<f4").tolist()
        text = Embedding.of(sent or ()).model_dump_json()
    except (ValueError, TypeError) as error:
        raise MalformedError(f"the embedding is no vector: {error}") from error
    model = found.get("model")
    tokens = token_count(_object(found.get("usage")).get("prompt_tokens"))
    return Completion((Choice(text),), tokens, 0, 0, model if isinstance(model, str) else "")


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
