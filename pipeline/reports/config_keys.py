"""Every key that a config can have, as plain data: read off the fields of the config's models."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from pipeline.engines import KINDS
from pipeline.workflow.config import NodeSection, RunConfig
from pipeline.workflow.config_file import EXTENDS
from pipeline.workflow.graph import find_stage, stage_names

TOP = "file"
"""Name of the section at the top of a config file."""
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "null": "null",
}
_MAPPINGS = (dict, Mapping)
_BOUNDS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most"}


@dataclass(frozen=True)
class ConfigKey:
    """One key, and what may stand there."""

    name: str
    """In its section."""
    path: str
    """In the config, dotted as in ``--set``; ``NODE`` and ``ROLE`` stand for any name."""
    type: str
    """In words: ``whole number``, ``list of text``, ``text or null``."""
    allowed: str
    """Values or bounds in words: ``above 0, at most 1``. Empty where the type says all."""
    default: str | None
    """As YAML; None where the key must be given."""
    meaning: str
    """What it does, its unit, and where there is a reason, why this default."""


@dataclass(frozen=True)
class ConfigSection:
    """Keys that stand together."""

    name: str
    """For people: ``run``, ``nodes.limits``, ``engines.http``, ``stages.caption``."""
    path: str
    """Where it stands in the config: ``engines.ROLE``. Empty for the top of the file."""
    condition: str
    """When it has these keys: ``kind: http``, ``stage: caption``. Empty for always."""
    meaning: str
    """Its documentation: of a stage, the docstring of its module."""
    keys: tuple[ConfigKey, ...]


@cache
def config_sections() -> tuple[ConfigSection, ...]:
    """Every section of a config, with every key."""
    top, *below = _sections(RunConfig, TOP, "")
    extends = ConfigKey("extends", "extends", "text", "", "null", EXTENDS)
    return (
        ConfigSection(top.name, top.path, "", top.meaning, (extends, *top.keys)),
        *below,
        *(section for kind in KINDS for section in engine_sections(kind)),
        *_sections(NodeSection, "nodes", "nodes.NODE"),
        *(section for name in stage_names() for section in stage_sections(name)),
    )


def engine_sections(kind: str) -> tuple[ConfigSection, ...]:
    """What can be set on an engine of a kind: its own section, then what is nested in it."""
    return tuple(_sections(KINDS[kind], f"engines.{kind}", "engines.ROLE", f"kind: {kind}"))


def stage_sections(name: str) -> tuple[ConfigSection, ...]:
    """What can be set on a stage: its own section, then what is nested in it.

    Raises:
        ConfigError: there is no such stage.
    """
    stage = find_stage("stages", name)
    documentation = inspect.getdoc(import_module(f"stages.{name}")) or ""
    own, *below = _sections(stage.config, f"stages.{name}", "nodes.NODE.config", f"stage: {name}")
    return ConfigSection(own.name, own.path, own.condition, documentation, own.keys), *below


def _sections(
    model: type[BaseModel], name: str, path: str, condition: str = ""
) -> Iterator[ConfigSection]:
    """The section that a model describes, then those of the models that its fields hold."""
    schema = model.model_json_schema()
    keys = tuple(
        ConfigKey(
            name=key,
            path=f"{path}.{key}".lstrip("."),
            type=_type(schema["properties"][key]),
            allowed=_allowed(schema["properties"][key]),
            default=_default(field),
            meaning=field.description or "",
        )
        for key, field in model.model_fields.items()
    )
    yield ConfigSection(name, path, condition, inspect.getdoc(model) or "", keys)
    for key, field in model.model_fields.items():
        # What the file itself maps names to, nodes and engines, has sections of its own.
        is_mapped = get_origin(field.annotation) in _MAPPINGS
        held = _held(field.annotation)
        if held is not None and not (is_mapped and name == TOP):
            inner = key if name == TOP else f"{name}.{key}"
            yield from _sections(held, inner, f"{path}.{key}".lstrip("."), condition)


def _held(annotation: Any) -> type[BaseModel] | None:
    """The model of a field that holds one or several, perhaps as ``Model | None``."""
    arguments = get_args(annotation)[get_origin(annotation) in _MAPPINGS :] or [annotation]
    held = [a for a in arguments if a not in (type(None), ...)]
    is_model = len(held) == 1 and inspect.isclass(held[0]) and issubclass(held[0], BaseModel)
    return held[0] if is_model else None


def _type(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    if "$ref" in schema:
        return "section"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}s"
    if {"enum", "const"} & schema.keys():
        return "choice"
    if {"patternProperties", "propertyNames"} & schema.keys():
        return "mapping of sections"
    return _TYPES[schema["type"]]


def _allowed(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return "; ".join(filter(None, map(_allowed, schema["anyOf"])))
    words = [str(value) for value in schema.get("enum", [])]
    if "const" in schema:
        words.append(str(schema["const"]))
    # An exclusive bound narrows the inclusive one of its type.
    skipped = "minimum" if "exclusiveMinimum" in schema else ""
    words += [f"{w} {schema[b]}" for b, w in _BOUNDS.items() if b in schema and b != skipped]
    if {"minLength", "minItems"} & schema.keys():
        words.append("not empty")
    if "propertyNames" in schema:
        words.append(f"names: {_allowed(schema['propertyNames'])}")
    inner = schema.get("items", schema.get("additionalProperties"))
    if isinstance(inner, dict) and (each := _allowed(inner)):
        words.append(f"each one of {each}" if "enum" in inner else f"each {each}")
    return ", ".join(words)


def _default(field: FieldInfo) -> str | None:
    if field.is_required():
        return None
    value = field.get_default(call_default_factory=True)
    return as_yaml({} if isinstance(value, BaseModel) else to_jsonable_python(value))


def as_yaml(value: Any) -> str:
    """Plain data as it stands on one line of a config."""
    text: str = yaml.safe_dump(value, default_flow_style=True, width=sys.maxsize)
    return text.removesuffix("...\n").strip()
