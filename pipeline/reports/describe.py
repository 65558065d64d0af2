"""Lists stages, kinds of engine and their settings, from their own docstrings and fields."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from pipeline.engines import KINDS
from pipeline.errors import ConfigError
from pipeline.store.files.text_table import text_table
from pipeline.workflow.graph import find_stage, stage_names
from pipeline.workflow.stage import Stage

_WIDTH = 100


def list_stages() -> str:
    """A table of the stages: name, rows read and written, and the first line of documentation."""
    rows = []
    for stage in (find_stage("stages", name) for name in stage_names()):
        reads = ", ".join(kind.__name__ for kind in stage.reads) or "manifest"
        summary = (_module_text(stage).splitlines() or [""])[0]
        rows.append((stage.name, f"{reads} -> {stage.writes.__name__}\n{summary}"))
    return text_table(rows)


def list_engines() -> str:
    """A table of the kinds of engine: name and documentation."""
    return text_table((kind, inspect.getdoc(config)) for kind, config in KINDS.items())


def describe(stage: Stage[Any]) -> str:
    """The documentation of a stage, and each setting with its default and meaning."""
    lines = [
        _module_text(stage),
        "",
        f"settings (nodes.NAME.config of a node with stage: {stage.name})",
        *_settings(stage.config),
    ]
    if stage.answer is not None:
        lines += ["", "it asks a model: nodes.NAME.engine names the role"]
    return "\n".join(lines)


def describe_engine(kind: str) -> str:
    """The documentation of a kind of engine, and each setting with its default and meaning.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"engines: {kind!r} is not one of {', '.join(KINDS)}")
    config = KINDS[kind]
    lines = [inspect.getdoc(config) or "", "", f"settings (engines.ROLE with kind: {kind})"]
    return "\n".join([*lines, *_settings(config)])


def _settings(config: type[BaseModel]) -> Iterator[str]:
    for name, field in config.model_fields.items():
        default = "required" if field.default is PydanticUndefined else repr(field.default)
        yield f"  {name} = {default}"
        yield from textwrap.wrap(
            field.description or "", _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
        )


def _module_text(stage: Stage[Any]) -> str:
    return inspect.getdoc(import_module(f"stages.{stage.name}")) or ""
