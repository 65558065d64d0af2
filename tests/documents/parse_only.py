"""The command line without what its verbs do: a command is parsed, and its config is planned."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import typer

from pipeline.cli.verbs import VERBS
from pipeline.manifest.reconcile.combination import ENDINGS, load_combination
from pipeline.workflow.config import load_config
from pipeline.workflow.graph import build_graph


def parse_only(arguments: Sequence[str], folder: Path) -> None:
    """Parse the arguments of a command; load the config that it names and build its graph.

    Raises:
        Exception: of typer, where they are no command; ConfigError, where a file is wrong.
    """
    given: dict[str, Any] = {}
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.callback()(lambda: None)
    for name, verb in VERBS.items():
        app.command(name)(_instead_of(verb, given))
    app(args=list(arguments), standalone_mode=False)
    configs = given.get("configs") or [given.get("config")]
    for config in filter(None, configs):
        build_graph(load_config(folder / config, given.get("overrides") or ()))
    source = str(given.get("source") or "")
    if source.endswith(ENDINGS):
        load_combination(folder / source)


def _instead_of(verb: Callable[..., None], given: dict[str, Any]) -> Callable[..., None]:
    @functools.wraps(verb)
    def keep(**options: Any) -> None:
        given.update(options)

    return keep
