"""The arguments and options of a verb, read off the signature that its command line is made of."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, ParameterInfo

_TYPES = {str: "text", int: "whole number", float: "number", bool: "flag", Path: "path"}


@dataclass(frozen=True)
class VerbOption:
    """One argument or option."""

    names: tuple[str, ...]
    """``("-o", "--out")``; of an argument its one name in capitals."""
    type: str
    default: str | None
    """Empty for none; None where it must be given."""
    meaning: str


def verb_options(verb: Callable[..., None]) -> Iterator[VerbOption]:
    """Those of a verb, in the order of its help."""
    hints = get_type_hints(verb, include_extras=True)
    for name, parameter in inspect.signature(verb).parameters.items():
        kind, *notes = get_args(hints[name])
        (info,) = (note for note in notes if isinstance(note, ParameterInfo))
        values = _without_null(kind)
        default = parameter.default
        shown = "" if default in (None, False, "") else str(default)
        yield VerbOption(
            names=_names(name, info, flag=values is bool),
            type=_type(values, info),
            default=None if default is inspect.Parameter.empty else shown,
            meaning=info.help or "",
        )


def _names(name: str, info: ParameterInfo, *, flag: bool) -> tuple[str, ...]:
    if isinstance(info, ArgumentInfo):
        return (str(info.metavar or name.upper()),)
    # In an annotation there is no default, so what stands first is a name too.
    names = [info.default, *(info.param_decls or ())]
    if given := tuple(name for name in names if isinstance(name, str)):
        return given
    long = f"--{name.replace('_', '-')}"
    return (long, f"--no-{long[2:]}") if flag else (long,)


def _without_null(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (each for each in get_args(kind) if each is not type(None))
    return kind


def _type(kind: Any, info: ParameterInfo) -> str:
    if get_origin(kind) is list:
        return f"{_type(get_args(kind)[0], info)}, repeatable"
    if info.metavar and not isinstance(info, ArgumentInfo):
        return f"`{info.metavar}`"
    if get_origin(kind) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(kind))
    bounds = [
        f"{w} {v:g}" for w, v in (("at least", info.min), ("at most", info.max)) if v is not None
    ]
    return ", ".join([_TYPES[kind], *bounds])
