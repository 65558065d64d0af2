"""Prompts are text files under ``prompts/``: a template a file, rendered strictly.

A template uses Jinja's ``{{ variable }}`` and ``{% for %}``; it names every variable it is given,
and is given every variable it names. What stands above a line ``---`` is the system part, which has
no variables, so that it is the same for all asks. A folder of prompts (``instructions``) is loaded
as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, meta
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.records.digest import text_digest

PROMPTS = Path(__file__).resolve().parents[2] / "prompts"

_NAME = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")

_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, keep_trailing_newline=False, trim_blocks=True, lstrip_blocks=True
)
"""A prompt reaches what it is given and nothing behind it."""


class PromptError(ValueError):
    """A prompt that is missing, or does not fit the values it is given."""


@dataclass(frozen=True)
class Prompt:
    """The text of one prompt file."""

    name: str
    text: str

    @property
    def sha(self) -> str:
        """Digest of the text, as it stands in provenance."""
        return text_digest(self.text)

    @property
    def system(self) -> str:
        """The system part; empty where the text has none."""
        return self._parts[0].strip()

    @property
    def variables(self) -> frozenset[str]:
        """Names of the variables that the text has."""
        return _compile(self._parts[1])[1]

    @property
    def _parts(self) -> tuple[str, str]:
        system, line, rest = self.text.partition("\n---\n")
        return (system, rest) if line else ("", self.text)

    def render(self, variables: Mapping[str, Any]) -> str:
        """The text below the system part with its variables filled in.

        What is filled in is never a template itself.

        Raises:
            PromptError: the prompt names a variable that was not given, or the reverse; or it
                reaches for what no prompt may.
        """
        template, names = _compile(self._parts[1])
        if names != set(variables):
            missing, unused = sorted(names - set(variables)), sorted(set(variables) - names)
            raise PromptError(f"prompt {self.name!r}: not given {missing}, not used {unused}")
        try:
            return template.render(variables).strip()
        except SecurityError as error:
            raise PromptError(f"prompt {self.name!r}: {error}") from None


@cache
def _compile(text: str) -> tuple[Template, frozenset[str]]:
    names = frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(text)))
    return _ENVIRONMENT.from_string(text), names


def load_prompts(name: str, folder: Path = PROMPTS) -> dict[str, Prompt]:
    """The prompt of that name, or every prompt in the folder of that name, keyed by name.

    A prompt in a folder is named ``folder/file``.

    Raises:
        PromptError: there is neither such a file nor such a folder, the name leads elsewhere, or a
            system part has variables.
    """
    if not _NAME.fullmatch(name):
        raise PromptError(
            f"there is no prompt {name!r}: a name is letters, digits, _ and -, parts /"
        )
    path = folder / name
    if path.is_dir():
        return {
            f"{name}/{f.stem}": Prompt(f"{name}/{f.stem}", f.read_text(encoding="utf-8"))
            for f in sorted(path.glob("*.md"))
        }
    file = path.with_suffix(".md")
    if not file.is_file():
        raise PromptError(f"there is no prompt {file}")
    prompt = Prompt(name, file.read_text(encoding="utf-8"))
    if names := _compile(prompt.system)[1]:
        raise PromptError(f"prompt {name!r}: its system part has variables: {sorted(names)}")
    return {name: prompt}
