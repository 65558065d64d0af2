"""Errors of a config: which key is wrong, and which was probably meant."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError


class ConfigError(ValueError):
    """The config or the way the command was called is wrong; nothing has run."""


class CommandError(Exception):
    """What ends a command with one line and exit status 1."""


class ReasonedError(ValueError):
    """An error with a ``reason``, a short constant, and a ``detail`` about this case."""

    def __init__(self, reason: str, detail: str) -> None:
        """The message is ``<reason>: <detail>``."""
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[ReasonedError], tuple[str, str]]:
        """Errors cross process borders."""
        return type(self), (self.reason, self.detail)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """``; did you mean 'x'?`` when a known name is close, else ``; known: …``."""
    close = get_close_matches(name, sorted(known), n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(sorted(known))}" if known else ""


def explain(error: ValidationError, model: type[BaseModel], prefix: str = "") -> str:
    """One line for each wrong key of ``model``, each led by the dotted key below ``prefix``."""
    lines = []
    for item in error.errors(include_url=False):
        parts = [str(part) for part in item["loc"] if part != "[key]"]
        key = ".".join([prefix, *parts] if prefix else parts)
        if item["type"] == "extra_forbidden":
            known = _fields_at(model, parts[:-1])
            lines.append(f"{key}: unknown key{did_you_mean(parts[-1], known)}")
        elif item["type"] == "literal_error":
            expected = str(item["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
            hint = did_you_mean(str(item["input"]), expected.split(", "))
            lines.append(f"{key}: {item['input']!r:.200} is not one of {expected}{hint}")
        elif item["type"] == "missing":
            lines.append(f"{key}: this key is needed")
        elif item["type"] in ("dict_type", "model_type"):
            lines.append(f"{key}: must be a section of keys, not {item['input']!r:.200}")
        else:
            lines.append(f"{key}: {item['msg']}, not {item['input']!r:.200}")
    return "\n".join(lines)


def _fields_at(model: Any, path: list[str]) -> Collection[str]:
    if isinstance(model, type) and issubclass(model, BaseModel):
        if not path:
            return model.model_fields
        field = model.model_fields.get(path[0])
        return _fields_at(field.annotation, path[1:]) if field else ()
    origin, args = get_origin(model), get_args(model)
    if origin in (dict, Mapping):
        return _fields_at(args[1], path[1:]) if path else ()
    if origin in (list, tuple, Sequence):
        return _fields_at(args[0], path[1:]) if path and args else ()
    for arg in args:
        if found := _fields_at(arg, path):
            return found
    return ()
