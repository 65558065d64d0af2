"""The system text: a template that names the states, with their tokens filled in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from pipeline.corpus.formats.base import FormatError
from pipeline.dialogue.state_tokens import StateTokens
from pipeline.errors import ConfigError
from pipeline.records import State
from pipeline.store.files.json_rows import read_json_rows
from pipeline.store.files.json_writer import JSON_ENDINGS

_VARIABLE = re.compile(r"\{\{ *([^{}]*?) *\}\}")


def read_system(path: Path, tokens: StateTokens) -> str:
    """The system text of a template file, or of the first row of a JSON file of messages.

    A template is taken without a byte order mark, with ``\\n`` for every line end; a row's text as
    it stands.

    Raises:
        OSError, UnicodeDecodeError: the file cannot be read.
        FormatError: ``unknown_variable``.
        ConfigError: the first row has no system message.
    """
    if path.suffix not in JSON_ENDINGS:
        return system_text(path.read_text(encoding="utf-8-sig"), tokens)
    first = next(read_json_rows(path), None)
    messages = first.value.get("messages") if first and isinstance(first.value, dict) else None
    message = messages[0] if isinstance(messages, list) and messages else None
    fields = message if isinstance(message, dict) else {}
    content = fields.get("content")
    if fields.get("role") != "system" or not isinstance(content, str):
        raise ConfigError(f"--system: the first row of {path} has no system message")
    return content


def system_text(template: str, tokens: StateTokens) -> str:
    """The template with the state tokens filled in.

    Its variables are ``{{ silence }}``, ``{{ standby }}`` and ``{{ response }}``, those that have a
    token.

    Raises:
        FormatError: ``unknown_variable``.
    """

    def token(found: re.Match[str]) -> str:
        for state in get_args(State):
            if found[1] == state and tokens.token(state):
                return tokens.token(state)
        raise FormatError("unknown_variable", found[0])

    return _VARIABLE.sub(token, template)
