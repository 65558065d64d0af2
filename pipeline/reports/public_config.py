"""A run's config as it may lie beside its corpus: nothing in it of machines, paths and keys."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from pipeline.corpus.hub.leaks import LeakPatterns, Own
from pipeline.reports.resolved_config import resolved_config
from pipeline.workflow.config import RunConfig
from pipeline.workflow.curation import Curation
from pipeline.workflow.withdrawal import Exclusion

LEFT_OUT: Final = "(left out)"
"""In place of a text that names a machine, a path or a key."""
_HEAD = """\
# What the corpus was made with: all settings that its rows depend on, with their defaults. Paths,
# addresses, keys, ids of withdrawn videos and what people decided are left out: give `source` and
# `engines` yours.
"""
_RUN, _SOURCE = {"name", "videos_per_shard"}, {"kind", "source", "licence", "split"}
_NODE = {"stage", "after", "engine", "config"}
_PATTERNS = LeakPatterns(Own())


def public_config(config: RunConfig) -> str:
    """YAML that makes the same graph, but for what is withdrawn.

    Raises:
        ConfigError: the graph is wrong.
    """
    whole = resolved_config(config)
    hidden = {*Exclusion.model_fields, *Curation.model_fields}
    nodes = {name: _only(node, _NODE) for name, node in whole["nodes"].items()}
    shown = {
        **whole,
        # Rows do not depend on the name of their run, so neither does this file.
        "run": {**_only(whole["run"], _RUN), "name": "corpus"},
        "source": {**_only(whole["source"], _SOURCE), "path": _file_name(config.source.path)},
        "engines": {
            role: {"kind": engine.kind, **engine.identity()}
            for role, engine in config.engines.items()
        },
        "nodes": {
            name: {**node, "config": _but(node["config"], hidden)} for name, node in nodes.items()
        },
        "corpus": _but(whole["corpus"], hidden),
        "curate": _but(whole["curate"], hidden),
    }
    return _HEAD + yaml.safe_dump(without_leaks(shown), sort_keys=False, allow_unicode=True)


def without_leaks(value: Any) -> Any:
    """Plain data with ``LEFT_OUT`` in place of each text that may not leave."""
    if isinstance(value, str):
        return LEFT_OUT if any(_PATTERNS.leaks(value)) else value
    if isinstance(value, dict):
        return {name: without_leaks(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_leaks(inner) for inner in value]
    return value


def _file_name(path: str) -> str:
    """The name of a file; of a folder, which is the user's own, nothing."""
    name = PurePosixPath(path.replace("\\", "/")).name
    return name if "." in name else "."


def _only(section: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name in names}


def _but(section: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name not in names}
