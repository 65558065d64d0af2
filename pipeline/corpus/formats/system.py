"""The system text: a template that names the states, with their tokens filled in."""

from __future__ import annotations

import re
from typing import get_args

from pipeline.corpus.formats.base import FormatError
from pipeline.dialogue.state_tokens import Spelling
from pipeline.records import State

_VARIABLE = re.compile(r"\{\{ *([^{}]*?) *\}\}")


def system_text(template: str, spelling: Spelling) -> str:
    """The template with the tokens of a spelling.

    Its variables are ``{{ silence }}``, ``{{ standby }}`` and ``{{ response }}``.

    Raises:
        FormatError: ``unknown_variable``.
    """

    def token(found: re.Match[str]) -> str:
        for state in get_args(State):
            if found[1] == state:
                return spelling.token(state)
        raise FormatError("unknown_variable", found[0])

    return _VARIABLE.sub(token, template)
