"""Reads YAML files safely: no objects, no duplicate keys, no alias bombs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ConfigError

MOST_REPEATED = 100_000
"""Nodes that aliases may repeat. Ten lines of aliases can expand beyond any memory."""


def load_yaml(text: str) -> Any:
    """The plain data in a text: no object of any class is made.

    Raises:
        yaml.YAMLError: it is not YAML, a key is twice in a mapping (one of two settings would
            be lost silently), it is nested too deeply, or its aliases repeat too much.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except RecursionError:
        raise yaml.YAMLError("it is nested too deeply") from None
    except (ValueError, OverflowError) as error:  # a number or a date that Python refuses
        raise yaml.YAMLError(str(error)) from None


def read_mapping(path: Path, purpose: str) -> dict[str, Any]:
    """The mapping in a file; ``purpose`` completes the error "must be a mapping …".

    Raises:
        ConfigError: it cannot be read, or is something else.
    """
    try:
        value = load_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {error}") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: must be a mapping {purpose}")
    return value


class _Loader(yaml.SafeLoader):
    def get_single_node(self) -> yaml.Node | None:
        """The document, after a check that its aliases do not expand too far."""
        node: yaml.Node | None = super().get_single_node()
        if node is not None:
            counted: dict[int, int] = {}
            if _spelled_out(node, counted) > len(counted) + MOST_REPEATED:
                raise yaml.YAMLError(f"its aliases repeat more than {MOST_REPEATED} nodes")
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """The mapping as written, before ``<<`` adds the keys of another."""
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    problem = f"{key.value!r} stands here twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
                seen.add(key.value)
        return node


def _spelled_out(node: yaml.Node, counted: dict[int, int]) -> int:
    """How many nodes there would be without aliases. ``counted`` has each node that is written.

    Raises:
        yaml.YAMLError: it holds itself.
    """
    known = counted.get(id(node))
    if known == 0:
        raise yaml.YAMLError("an alias names what it stands in")
    if known is None:
        counted[id(node)] = 0
        known = 1 + sum(_spelled_out(inner, counted) for inner in _inner(node))
        counted[id(node)] = known
    return known


def _inner(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value
