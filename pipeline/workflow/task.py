"""A node's task on one shard, and its result, as plain picklable data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.engines.base import EngineConfig
from pipeline.store.location import Location
from pipeline.workflow.prompt import Prompt


@dataclass(frozen=True, slots=True)
class ShardTask:
    """A node's work on one shard.

    ``inputs`` has, for each shard that is read, (name of the record class, part) in the order of
    the stage's ``reads`` and the node's ``after``. A stage of scope ``dataset`` reads all shards,
    others one. One of scope ``source`` reads none: its manifest rows are a file beside the part
    (``write_manifest``).
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
    """The result of one shard.

    ``counts`` are those in the footer of its part, empty when there is an ``error``: the traceback,
    or one line where the shard was not started or its process died. ``blocked``: it was not started
    because a shard that it reads failed.
    """

    node: str
    shard: int
    part: Location
    counts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    blocked: bool = False
