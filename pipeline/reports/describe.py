"""What the stages and engines are and what can be set on them, from their own code."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from pipeline.engines.base import EngineConfig
from pipeline.workflow.stage import Stage

_WIDTH = 100


def headline(stage: Stage[Any]) -> str:
    """The stage in one line: its name, what it reads and writes, and what it does."""
    reads = ", ".join(kind.__name__ for kind in stage.reads) or "manifest"
    does = (_module_text(stage).splitlines() or [""])[0]
    return f"{stage.name:14} {reads} -> {stage.writes.__name__}\n{'':14} {does}"


def describe(stage: Stage[Any]) -> str:
    """The stage's own documentation, and each setting with its default and meaning."""
    lines = [
        _module_text(stage),
        "",
        f"settings (nodes.NAME.config of a node with stage: {stage.name})",
        *_settings(stage.config),
    ]
    if stage.answer is not None:
        lines += ["", "it asks a model: name its role with nodes.NAME.engine"]
    return "\n".join(lines)


def describe_engine(kind: str, config: type[EngineConfig]) -> str:
    """What a kind of engine is, and each setting with its default and meaning."""
    lines = [inspect.getdoc(config) or "", "", f"settings (engines.ROLE with kind: {kind})"]
    return "\n".join([*lines, *_settings(config)])


def _settings(config: type[BaseModel]) -> Iterator[str]:
    for name, field in config.model_fields.items():
        default = "needed" if field.default is PydanticUndefined else repr(field.default)
        yield f"  {name} = {default}"
        yield from textwrap.wrap(
            field.description or "", _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
        )


def _module_text(stage: Stage[Any]) -> str:
    return inspect.getdoc(sys.modules[stage.config.__module__]) or ""
