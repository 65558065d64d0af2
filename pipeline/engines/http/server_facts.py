"""What a server says of itself and of a model, where each kind of server says it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.engines.http.response import token_count

MOST_SLOTS = 4096
"""A server that says it has more is not believed."""


@dataclass(frozen=True)
class ServerFacts:
    """What is known of one model on a server; None and empty where the server does not say.

    ``names`` are those that the model goes by, ``context`` counts the tokens of one request with
    its answer, and ``slots`` the requests that are answered at once.
    """

    owner: str = ""
    version: str = ""
    names: frozenset[str] = frozenset()
    context: int | None = None
    slots: int | None = None
    sees_pictures: bool | None = None

    def is_model(self, asked: str, answered: str) -> bool:
        """Whether an answer by ``answered`` is one of the model that was asked.

        Hosted servers add a date or a maker to a name, and some name the file, so it is enough if
        one of both names stands in the other.
        """
        a, b = _plain_name(asked), _plain_name(answered)
        return not b or a in b or b in a or answered in self.names


def _plain_name(name: str) -> str:
    return re.sub(r"\.gguf$", "", name.casefold().rpartition("/")[2])


def root_of(base_url: str) -> str:
    """The address of a server without the version of its protocol."""
    return re.sub(r"/v\d+$", "", base_url)


def listed_models(models: Any) -> Mapping[str, Mapping[str, Any]]:
    """The entries of a list of models, by each of their names. llama.cpp gives a model several.

    Raises:
        ValueError: it is no such list.
    """
    entries = models.get("data") if isinstance(models, dict) else None
    if not isinstance(entries, list) or not all(_text(each, "id") for each in entries):
        raise ValueError("no list of models")
    return {name: each for each in reversed(entries) for name in _names(each)}


def server_facts(model: str, models: Any, props: Any = None, version: Any = None) -> ServerFacts:
    """What the JSON of ``/v1/models``, of ``/props`` and of ``/version`` tells of a model.

    vLLM lists ``max_model_len``; llama.cpp the context of a slot as ``meta.n_ctx``, what a model
    takes as ``architecture.input_modalities``, and its slots in ``/props``; hosted servers list
    ``context_length``. What llama.cpp lists as ``n_ctx_train`` is not what it serves.
    """
    try:
        entry = listed_models(models).get(model, {})
    except ValueError:
        entry = {}
    props = _object(props)
    settings = _object(props.get("default_generation_settings"))
    contexts = (
        entry.get("max_model_len"),
        _object(entry.get("meta")).get("n_ctx"),
        settings.get("n_ctx"),
        entry.get("context_length"),
    )
    slots = token_count(props.get("total_slots"))
    return ServerFacts(
        owner=_text(entry, "owned_by"),
        version=_text(version, "version"),
        names=frozenset(_names(entry)) if entry else frozenset(),
        context=next(filter(None, map(token_count, contexts)), None),
        slots=slots if 0 < slots <= MOST_SLOTS else None,
        sees_pictures=_sees_pictures(entry, props),
    )


def _sees_pictures(entry: Mapping[str, Any], props: Mapping[str, Any]) -> bool | None:
    takes = _object(entry.get("architecture")).get("input_modalities")
    if isinstance(takes, list) and takes:
        return "image" in takes
    vision = _object(props.get("modalities")).get("vision")
    return vision if isinstance(vision, bool) else None


def _names(entry: Mapping[str, Any]) -> list[str]:
    aliases = entry.get("aliases")
    named = [_text(entry, "id"), *(aliases if isinstance(aliases, list) else ())]
    return [name for name in named if isinstance(name, str) and name]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any, name: str) -> str:
    text = value.get(name) if isinstance(value, dict) else None
    return text if isinstance(text, str) else ""
