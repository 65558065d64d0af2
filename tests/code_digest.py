"""A digest of what a module's code means, to notice code that changed under an old version.

It is held against ``tests/golden/code.json``. It is no identity of a part: a log line must not cost
an annotation anew. The author decides, by the stage's version.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.records.digest import digest


def code_digest(module: str, follow: Sequence[str]) -> str:
    """Digest of a module and of the modules it imports whose names start with one of ``follow``.

    Comments, docstrings, layout and the version of Python do not count.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    seen: dict[str, Any] = {}
    _collect(module, tuple(follow), seen)
    return digest(seen)


def _collect(module: str, follow: tuple[str, ...], seen: dict[str, Any]) -> None:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"there is no module {module}")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    seen[module] = _meaning(tree)
    for node in ast.walk(tree):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            if name.startswith(follow) and name not in seen:
                _collect(name, follow, seen)


def _meaning(value: Any) -> Any:
    """A syntax tree as plain data, without what means nothing to who runs it."""
    if isinstance(value, list):
        return [_meaning(item) for item in value if not _is_text(item)]
    if isinstance(value, str):  # a pattern may hold half a character, which UTF-8 has not
        return value.encode("utf-8", "backslashreplace").decode()
    if not isinstance(value, ast.AST):
        return value if isinstance(value, (int, type(None))) else repr(value)
    fields = {name: _meaning(field) for name, field in ast.iter_fields(value) if name != "kind"}
    # Later versions of Python add fields that are empty in code which earlier ones can read.
    return [type(value).__name__, {k: v for k, v in fields.items() if v not in (None, [])}]


def _is_text(item: Any) -> bool:
    """A statement that is a text alone: a docstring, or what stands below a field."""
    return (
        isinstance(item, ast.Expr)
        and isinstance(item.value, ast.Constant)
        and isinstance(item.value.value, str)
    )
