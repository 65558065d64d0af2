"""Finds the reasons that code turns things down for, in its syntax."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ARGUMENT = {
    **dict.fromkeys(("MediaError", "DialogueError", "FormatError", "Refused", "NotFound"), 0),
    **dict.fromkeys(("_Unreadable", "RequestError"), 0),
    **dict.fromkeys(("Refusal", "Unread", "_refuse", "refused", "reject"), 1),
    "reject_entry": 2,
}
"""By the name of what is called, the place of the reason among its arguments."""
NAMES = {"reason", "reasons", "REASONS", "MISSING", "OUTSIDE", "HELD", "SAME"}
"""What is called so is a reason, or a collection of them."""
_REASON = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def reasons_in(path: Path) -> set[str]:
    """The reasons that the code of a file gives: in calls, in pairs of a reason and a detail, and
    in what is called a reason."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for value in _places(node):
            found |= set(_constants(value))
    return found


def _places(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Call):
        called = _name(node.func)
        place = ARGUMENT.get(called)
        if place is not None and len(node.args) > place:
            yield node.args[place]
        yield from (k.value for k in node.keywords if k.arg in ("reason", "error"))
        if isinstance(node.func, ast.Attribute) and _name(node.func.value) in NAMES:
            yield from node.args[1:]
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2:
        first, second = node.elts
        # A detail is put together, or a sentence: a single word is something else.
        if not (isinstance(second, ast.Constant) and " " not in str(second.value)):
            yield first
    elif isinstance(node, ast.BoolOp) and _name(node.values[0]) in NAMES:
        yield from node.values[1:]
    elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if _name(target) in NAMES:
                yield node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = zip(target.elts, node.value.elts, strict=False)
                yield from (value for name, value in pairs if _name(name) in NAMES)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _constants(value: ast.expr) -> Iterator[str]:
    """The constants that an expression can be: itself, or in its branches."""
    if isinstance(value, ast.Constant) and _is_reason(value.value):
        yield str(value.value)
    elif isinstance(value, ast.IfExp):
        yield from (*_constants(value.body), *_constants(value.orelse))
    elif isinstance(value, ast.BoolOp):
        for each in value.values:
            yield from _constants(each)
    elif isinstance(value, (ast.ListComp, ast.GeneratorExp)):
        yield from _constants(value.elt)
    elif isinstance(value, ast.Dict):
        for each in value.values:
            yield from _constants(each)
    elif isinstance(value, ast.Tuple) and value.elts:
        yield from _constants(value.elts[0])


def _is_reason(value: object) -> bool:
    return isinstance(value, str) and _REASON.fullmatch(value) is not None
