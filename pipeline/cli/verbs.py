"""The verbs by name. The file of a verb is loaded when it is called, and not with any other."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from pipeline.store.files.terminal import escaping

Verb = Callable[..., None]
V = TypeVar("V")

_PLACES = {
    "run": "run:run",
    "plan": "run:plan",
    "status": "run:status",
    "forecast": "forecast:forecast_run",
    "config": "config:show_config",
    "stages": "catalogue:stages",
    "engines": "catalogue:engines",
    "scenes": "catalogue:scenes",
    "preview": "preview:preview_dialogues",
    "report": "report:write_report",
    "explain": "explain:explain_one",
    "label": "label:label_samples",
    "export": "export:export_files",
    "publish": "publish:publish_files",
    "diff": "diff:diff_corpora",
    "rebuild": "rebuild:rebuild_corpus",
    "convert": "convert:convert_file",
    "audit": "audit:audit_file",
    "fetch-models": "fetch:fetch_models",
    "doctor": "doctor:run_doctor",
    "manifest": "manifest:make_manifest_file",
    "gc": "gc:remove_unreached",
    "stream": "stream:stream_samples",
    "score": "score:score_file",
    "sweep": "sweep:sweep_settings",
    "rejects": "rejects:list_rejects",
    "retry": "rejects:retry_rejects",
}
"""File and function below ``pipeline/cli``, in the order of the help."""


class _ByVerb(Mapping[str, V]):
    """A value a verb, made when it is asked for."""

    def __init__(self, make: Callable[[str], V]) -> None:
        self._make = make

    def __getitem__(self, verb: str) -> V:
        if verb not in _PLACES:
            raise KeyError(verb)
        return self._make(verb)

    def __iter__(self) -> Iterator[str]:
        return iter(_PLACES)

    def __len__(self) -> int:
        return len(_PLACES)


def _load(verb: str) -> Verb:
    file, _, function = _PLACES[verb].partition(":")
    loaded: Verb = getattr(import_module(f"pipeline.cli.{file}"), function)
    return loaded


def _command(verb: str) -> Any:
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    # Not around all: typer colours its help by itself.
    alone.command(verb)(escaping()(VERBS[verb]))
    return typer.main.get_command(alone)


def _listed(verb: str) -> Any:
    """A command with the help of a verb and no more: to list all, none of their files is loaded."""
    file, _, function = _PLACES[verb].partition(":")
    tree = ast.parse((Path(__file__).with_name(f"{file}.py")).read_text(encoding="utf-8"))
    (found,) = (
        each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == function
    )
    return TyperCommand(verb, help=ast.get_docstring(found))


class VerbGroup(TyperGroup):
    """The command line with all verbs below it."""

    def __init__(self, **given: Any) -> None:
        """What typer gives to any group."""
        super().__init__(**given)
        self.commands = _ByVerb(_command)  # type: ignore[assignment]  # typer adds none to them

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Writes the help of all verbs, of which each file is read and none is loaded."""
        commands, self.commands = self.commands, _ByVerb(_listed)  # type: ignore[assignment]
        try:
            super().format_help(ctx, formatter)
        finally:
            self.commands = commands


VERBS: Mapping[str, Verb] = _ByVerb(_load)
"""The function of each verb, whose docstring is its help."""
