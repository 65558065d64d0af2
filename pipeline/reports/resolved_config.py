"""A config as a run takes it: what it extends merged, overrides applied, defaults filled in."""

from __future__ import annotations

from typing import Any

from pipeline.errors import ConfigError, did_you_mean
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import build_graph


def resolved_config(config: RunConfig) -> dict[str, Any]:
    """Every key with its value, as plain data; as a file it makes the same graph.

    Raises:
        ConfigError: the graph is wrong.
    """
    whole = config.model_dump(mode="json")
    for node in build_graph(config):
        whole["nodes"][node.name]["config"] = node.config.model_dump(mode="json")
    return whole


def part_of(whole: dict[str, Any], path: str) -> dict[str, Any]:
    """What stands at a dotted path, below the keys that lead to it.

    Raises:
        ConfigError: there is nothing; the message names a close key.
    """
    here, *below = path.split(".", 1)
    if here not in whole:
        raise ConfigError(f"config: there is no key {here!r}{did_you_mean(here, whole)}")
    if not below:
        return {here: whole[here]}
    inner = whole[here]
    if not isinstance(inner, dict):
        raise ConfigError(f"config: {here!r} has no keys below it")
    return {here: part_of(inner, below[0])}
