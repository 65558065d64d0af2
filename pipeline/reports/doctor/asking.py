"""Which nodes ask which engine."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.engines.base import EngineConfig
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import Node


def by_engine(nodes: Sequence[Node]) -> list[tuple[EngineConfig, list[Node]]]:
    """The nodes that ask, by engine: roles with the same config share one."""
    found: list[tuple[EngineConfig, list[Node]]] = []
    for node in nodes:
        if node.engine is not None:
            asking = next((asking for config, asking in found if config == node.engine), None)
            if asking is None:
                found.append((node.engine, [node]))
            else:
                asking.append(node)
    return found


def name_of(settings: RunConfig, config: EngineConfig) -> str:
    """What an engine is called in findings: its first role, and how many more it has."""
    roles = [role for role, other in settings.engines.items() if other == config]
    return f"engines.{roles[0]}" + (f" and {len(roles) - 1} more" if len(roles) > 1 else "")
