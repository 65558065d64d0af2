"""Which nodes of a graph are above or below others, and which of them a command is about."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pipeline.errors import ConfigError, did_you_mean
from pipeline.workflow.graph import Node


def select(
    nodes: Sequence[Node],
    only: Collection[str] = (),
    start: Collection[str] = (),
    until: Collection[str] = (),
) -> frozenset[str]:
    """Names of the nodes to run: those of ``only``, or all at or below ``start`` and at or above
    ``until``; all when none of these names a node.

    Raises:
        ConfigError: a name is not a node, or the choice is empty.
    """
    names = [node.name for node in nodes]
    for name in (*only, *start, *until):
        if name not in names:
            raise ConfigError(f"there is no node {name!r}{did_you_mean(name, names)}")
    chosen = set(only or names)
    if start:
        chosen &= downstream(nodes, start)
    if until:
        chosen &= _upstream(nodes, until)
    if not chosen:
        raise ConfigError("no node is at once below --from and above --until")
    return frozenset(chosen)


def downstream(nodes: Sequence[Node], names: Collection[str]) -> set[str]:
    """The named nodes and every node that reads them, directly or not."""
    found = set(names)
    for node in nodes:
        if found & {other.name for other in node.after}:
            found.add(node.name)
    return found


def _upstream(nodes: Sequence[Node], names: Collection[str]) -> set[str]:
    found = set(names)
    for node in reversed(nodes):
        if node.name in found:
            found |= {other.name for other in node.after}
    return found
