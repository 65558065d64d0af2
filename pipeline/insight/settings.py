"""What the stages are and what can be set on them, from the stages themselves."""

from __future__ import annotations

import inspect
import sys
import textwrap
from typing import Any

from pydantic_core import PydanticUndefined

from pipeline.stage import Stage

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
    ]
    for name, field in stage.config.model_fields.items():
        default = "needed" if field.default is PydanticUndefined else repr(field.default)
        lines.append(f"  {name} = {default}")
        lines += textwrap.wrap(
            field.description or "", _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
        )
    if stage.answer is not None:
        lines += ["", "it asks a model: name its role with nodes.NAME.engine"]
    return "\n".join(lines)


def _module_text(stage: Stage[Any]) -> str:
    return inspect.getdoc(sys.modules[stage.config.__module__]) or ""
