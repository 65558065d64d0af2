"""The work of a node on one shard, and what it came to, as plain picklable data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.engines.base import EngineConfig
from pipeline.store.location import Location
from pipeline.workflow.prompt import Prompt


@dataclass(frozen=True, slots=True)
class ShardTask:
    """A node's work on one shard, as plain picklable data.

    ``inputs`` are, for each shard that is read, the kind and the parts of each node before, in the
    order of the node's ``after``; a stage of scope ``dataset`` reads all shards, others one. One of
    scope ``source`` reads none: the rows of the manifest lie beside its part (``write_manifest``).
    """

    node: str
    stage: str
    shard: int
    config: Mapping[str, Any]
    inputs: tuple[tuple[tuple[str, Location], ...], ...]
    part: Location
    media_root: Location
    engine: EngineConfig | None
    prompts: Mapping[str, Prompt]
    cpus: float
    gpus: float

    @property
    def input_parts(self) -> Iterator[Location]:
        """Every part that must exist before the task can start."""
        return (part for shard in self.inputs for _, part in shard)


@dataclass(frozen=True)
class ShardResult:
    """What one shard came to, or the traceback that stopped it.

    ``counts``: see ``_counts``; empty when there is an error. ``error`` of a shard that was not
    started because one before it failed is one line without a traceback, and ``blocked`` is set.
    """

    node: str
    shard: int
    part: Location
    counts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    blocked: bool = False
