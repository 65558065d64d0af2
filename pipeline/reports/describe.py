"""Lists stages, kinds of engine and the keys of a config, from their own docstrings and fields."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pipeline.engines import KINDS
from pipeline.errors import ConfigError, did_you_mean
from pipeline.reports.config_keys import (
    TOP,
    ConfigKey,
    ConfigSection,
    config_sections,
    engine_sections,
    stage_sections,
)
from pipeline.store.files.text_table import text_table
from pipeline.workflow.annotation_stage import FRAME_TIMES
from pipeline.workflow.graph import find_stage, stage_names

WIDTH = 80
"""Columns of a terminal that nobody has made wider."""
_LABEL = re.compile(r"[a-z]+: +")
"""So begins an item of a list in a docstring: ``reads:  Video``."""


def list_stages() -> str:
    """A table of the stages: name, rows read and written, and the first line of documentation."""
    rows = []
    for name in stage_names():
        stage = find_stage("stages", name)
        reads = ", ".join(kind.__name__ for kind in stage.reads) or "manifest"
        summary = stage_sections(name)[0].meaning.partition("\n")[0]
        rows.append((name, f"{reads} -> {stage.writes.__name__}", summary))
    return _table((name, *texts) for name, *texts in rows)


def list_engines() -> str:
    """A table of the kinds of engine: name and documentation."""
    return _table((kind, inspect.getdoc(config) or "") for kind, config in KINDS.items())


def describe_stage(name: str) -> str:
    """The documentation of a stage, and each setting with its default and meaning.

    Raises:
        ConfigError: there is no such stage.
    """
    lines = _sections(stage_sections(name))
    stage = find_stage("stages", name)
    if stage.answer is not None:
        given = ", ".join(key for key in stage.variables if key != FRAME_TIMES)
        also = f", and may name {FRAME_TIMES}" if FRAME_TIMES in stage.variables else ""
        asks = "It asks a model: nodes.NODE.engine names the role."
        lines += ["", *_wrapped(f"{asks} Its prompt names {given}{also}.")]
    return "\n".join(lines)


def describe_engine(kind: str) -> str:
    """The documentation of a kind of engine, and each setting with its default and meaning.

    Raises:
        ConfigError: there is no such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"engines: {kind!r} is not one of {', '.join(KINDS)}")
    return "\n".join(_sections(engine_sections(kind)))


def describe_config(name: str | None = None) -> str:
    """Every key of every section, or those of the sections that a name means.

    It means the sections that it is the first or the last part of (``engines``, ``limits``), and
    else the key of that path (``run.workers``).

    Raises:
        ConfigError: it means none.
    """
    every = config_sections()
    if name is None:
        names = ", ".join(section.name for section in every)
        end = _wrapped(f"`config SECTION` shows one of these, or a group such as engines: {names}")
        return "\n".join([*_sections(every), "", *end])
    found = [s for s in every if f"{s.name}.".startswith(f"{name}.") or _last(s.name) == name]
    if name not in (section.name for section in found):
        keys = [(s, tuple(key for key in s.keys if key.path == name)) for s in every]
        found = [*(replace(s, keys=chosen) for s, chosen in keys if chosen), *found]
    if not found:
        known = {each for s in every for each in (s.name, _last(s.name), *(k.path for k in s.keys))}
        hint = did_you_mean(name, known)
        if not hint.endswith("?"):
            hint = did_you_mean(name, {section.name.partition(".")[0] for section in every})
        raise ConfigError(f"config: there is no section {name!r}{hint}")
    return "\n".join(_sections(found))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _sections(sections: Iterable[ConfigSection]) -> list[str]:
    lines: list[str] = []
    for section in sections:
        place = section.path or f"at the top of the {TOP}"
        where = f"{place} with {section.condition}" if section.condition else place
        lines += [*([""] if lines else []), *_wrapped(section.meaning), "", f"settings ({where})"]
        lines += _keys(section.keys) if section.keys else ["  none"]
    return lines


def _keys(keys: Iterable[ConfigKey]) -> Iterator[str]:
    for key in keys:
        default = "must be given" if key.default is None else f"= {key.default}"
        kind = f"{key.type}: {key.allowed}" if key.allowed else key.type
        head = f"{key.name} {default}  ({kind})"
        yield from textwrap.wrap(head, WIDTH, initial_indent="  ", subsequent_indent=" " * 10)
        yield from _wrapped(key.meaning, " " * 6)


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    """Names, each with texts beside it, one below the other."""
    held = list(rows)
    width = WIDTH - max(len(name) for name, *_ in held) - 2
    return text_table(
        (
            name,
            "\n".join("\n".join(textwrap.wrap(text.replace("``", "`"), width)) for text in texts),
        )
        for name, *texts in held
    )


def _wrapped(text: str, indent: str = "") -> list[str]:
    """The paragraphs of a docstring as lines that fit a terminal."""
    lines: list[str] = []
    for paragraph in text.replace("``", "`").split("\n\n"):
        lines += [""] if lines else []
        for item in re.split(rf"\n(?={_LABEL.pattern})", paragraph):
            label = _LABEL.match(item)
            hanging = indent + " " * (label.end() if label else 0)
            lines += textwrap.wrap(
                (label[0] if label else "") + " ".join(item[len(hanging) - len(indent) :].split()),
                WIDTH,
                initial_indent=indent,
                subsequent_indent=hanging,
            )
    return lines
