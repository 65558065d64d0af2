"""The keys of a config file: what it extends merged, overrides applied, and nothing checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError, did_you_mean
from pipeline.store.files.yaml_files import load_yaml, read_mapping

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
"""The configs that come along."""
EXTENDS = (
    "another config that this one is laid over, key by key, lists as a whole, and so a section of"
    " another `kind`, such as an engine: a path from this file's folder, or one of those that come"
    " along, such as streamo.yaml"
)
"""What the key ``extends`` of a file means, which is gone before the file is validated."""


def read_config_file(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """The keys of a file over those of the file that it extends, and ``a.b=value`` over both.

    Raises:
        ConfigError: a file cannot be read, extends itself, or an override is none.
    """
    raw = _merge({}, _read(path, ()))
    for override in overrides:
        _apply(raw, override)
    return raw


def _read(path: Path, below: tuple[Path, ...]) -> dict[str, Any]:
    resolved = path.resolve()
    if resolved in below:
        raise ConfigError(f"{path}: extends itself")
    raw = read_mapping(path, "of sections")
    parent = raw.pop("extends", None)
    if parent is None:
        return raw
    if not isinstance(parent, str) or "\0" in parent:
        raise ConfigError(f"{path}: extends: must be a path, not {parent!r:.200}")
    return _merge(_read(_extended(path, parent), (*below, resolved)), raw)


def _extended(path: Path, parent: str) -> Path:
    """The file that a config extends, by its path from the config, or from ``CONFIGS``."""
    beside, along = path.parent / parent, CONFIGS / parent
    if beside.exists() or (Path(parent).name != parent and not along.exists()):
        return beside
    if not along.exists():
        known = did_you_mean(parent, [file.name for file in CONFIGS.glob("*.yaml")])
        raise ConfigError(f"{path}: extends: there is no {beside}{known}")
    return along


def _merge(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Sections are copied: one that YAML names by an alias is a section of its own wherever it
    stands, so that an override changes one of them."""
    merged = dict(under)
    for key, value in over.items():
        if isinstance(value, dict):
            old = merged.get(key)
            below = old if isinstance(old, dict) and _same_kind(old, value) else {}
            merged[key] = _merge(below, value)
        else:
            merged[key] = value
    return merged


def _same_kind(under: Mapping[str, Any], over: Mapping[str, Any]) -> bool:
    """Whether a section is not said to be of another kind, which has other keys."""
    return "kind" not in over or "kind" not in under or over["kind"] == under["kind"]


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    names = key.split(".")
    if not equals or not all(names):
        raise ConfigError(f"--set {override!r}: must be section.key=value")
    try:
        value = load_yaml(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override!r}: the value is not YAML: {error}") from None
    inner = raw
    for name in names[:-1]:
        if inner.get(name) is None:
            inner[name] = {}
        inner = inner[name]
        if not isinstance(inner, dict):
            raise ConfigError(f"--set {override!r}: {name!r} is not a section")
    inner[names[-1]] = value
