"""Prompts are text files under ``prompts/``: a template a file, checked, and rendered strictly.

A template uses Jinja's ``{{ variable }}`` and ``{% for %}``; it names every variable it is given,
and is given every variable it names. What stands above a line ``---`` is the system part, which has
no variables but those that are the same for all asks of a node (``NODE_VARIABLES``). A folder of
prompts (``instructions``) is loaded as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any

from jinja2 import StrictUndefined, Template, meta, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pipeline.errors import did_you_mean
from pipeline.records.digest import text_digest

PROMPTS = Path(__file__).resolve().parents[2] / "prompts"

NODE_VARIABLES = frozenset({"language"})
"""What a system part may name: settings of the node, the same for all of its asks."""

_NAME = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")

_ENVIRONMENT = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, keep_trailing_newline=False, trim_blocks=True, lstrip_blocks=True
)
"""A prompt reaches what it is given and nothing behind it."""
# No prompt may name them, and Jinja copies them for each text that it renders.
_ENVIRONMENT.globals.clear()
_FAILURES = (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError)
"""What rendering a template can raise."""


class PromptError(ValueError):
    """A prompt that is missing, or does not fit the values it is given."""


@dataclass(frozen=True)
class Prompt:
    """The text of one prompt file."""

    name: str
    text: str

    @property
    def file(self) -> str:
        """Path of the file, for people."""
        return f"prompts/{self.name}.md"

    @property
    def sha(self) -> str:
        """Digest of the text, as it stands in provenance."""
        return _sha(self.text)

    @property
    def names_language(self) -> bool:
        """Whether the system part says in which language to answer."""
        return "language" in _compile(self._parts[0])[1]

    @property
    def variables(self) -> frozenset[str]:
        """Names of the variables that the text has."""
        return _compile(self._parts[1])[1]

    @property
    def _parts(self) -> tuple[str, str]:
        """The system part, and the rest below as many empty lines, so that lines keep numbers."""
        return _parts_of(self.text)

    def render_system(self, variables: Mapping[str, Any]) -> str:
        """The system part with ``NODE_VARIABLES`` filled in; empty where the text has none.

        Raises:
            PromptError: it names another variable.
        """
        try:
            return _compile(self._parts[0])[0].render(variables).strip()
        except _FAILURES as error:
            raise PromptError(f"prompt {self.name!r}, system part: {error}") from None

    def render(self, variables: Mapping[str, Any]) -> str:
        """The text below the system part with its variables filled in.

        What is filled in is never a template itself.

        Raises:
            PromptError: the prompt names a variable that was not given, or the reverse; or it
                reaches for what its values have not, or for what no prompt may.
        """
        template, names = _compile(self._parts[1])
        if names != set(variables):
            missing, unused = sorted(names - set(variables)), sorted(set(variables) - names)
            raise PromptError(f"prompt {self.name!r}: not given {missing}, not used {unused}")
        try:
            return template.render(variables).strip()
        except _FAILURES as error:
            raise PromptError(f"prompt {self.name!r}: {error}") from None

    def problems(
        self, example: Mapping[str, Any], *, optional: Collection[str] = ()
    ) -> Iterator[str]:
        """What is wrong with the text where such variables are given, each by file and line.

        The system part names ``NODE_VARIABLES`` alone, and the rest all of the others but the
        ``optional`` ones; and with the values of ``example`` it can be rendered.
        """
        system, rest = self._parts
        try:
            in_system, (template, names) = _compile(system)[1], _compile(rest)
        except TemplateSyntaxError as error:
            yield f"{self.file}, line {error.lineno}: {error.message}"
            return
        for name in sorted(in_system - NODE_VARIABLES):
            place, known = self._place(system, name), ", ".join(sorted(NODE_VARIABLES))
            yield f"{place}: a system part has no variable but {known}: {name!r}"
        known = ", ".join(sorted(example)) or "none"
        unknown, unused = names - example.keys(), example.keys() - names - set(optional)
        for name in sorted(unknown):
            hint = did_you_mean(name, example)
            hint += f" known: {known}" if hint.endswith("?") else ""
            yield f"{self._place(rest, name)}: there is no variable {name!r}{hint}"
        if unknown:
            return  # of which one may be what is not named, misspelt
        for name in sorted(unused):
            yield f"{self.file}: the variable {name!r} is given and not named; known: {known}"
        try:
            template.render(example)
        except _FAILURES as error:
            lines = [n for f, n in walk_tb(error.__traceback__) if _is_template(f)]
            yield f"{self.file}, line {lines[-1]}: {error}"

    def _place(self, part: str, name: str) -> str:
        found = _ENVIRONMENT.parse(part).find_all(nodes.Name)
        return f"{self.file}, line {next(node.lineno for node in found if node.name == name)}"


def _is_template(frame: FrameType) -> bool:
    return frame.f_code.co_filename == "<template>"


@cache
def _sha(text: str) -> str:
    return text_digest(text)


@cache
def _parts_of(text: str) -> tuple[str, str]:
    system, line, rest = text.partition("\n---\n")
    return (system, "\n" * (system.count("\n") + 2) + rest) if line else ("", text)


@cache
def _compile(text: str) -> tuple[Template, frozenset[str]]:
    names = frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(text)))
    return _ENVIRONMENT.from_string(text), names


def load_prompts(name: str, folder: Path = PROMPTS) -> dict[str, Prompt]:
    """The prompt of that name, or every prompt in the folder of that name, keyed by name.

    A prompt in a folder is named ``folder/file``.

    Raises:
        PromptError: there is neither such a file nor such a folder, the name leads elsewhere, or a
            file is no text.
    """
    if not _NAME.fullmatch(name):
        raise PromptError(
            f"there is no prompt {name!r}: a name is letters, digits, _ and -, parts /"
        )
    path = folder / name
    if path.is_dir():
        return {
            f"{name}/{f.stem}": Prompt(f"{name}/{f.stem}", _read(f))
            for f in sorted(path.glob("*.md"))
        }
    file = path.with_suffix(".md")
    if not file.is_file():
        raise PromptError(f"there is no prompt {file}")
    return {name: Prompt(name, _read(file))}


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"{file}: cannot be read: {error}") from None
