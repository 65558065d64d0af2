"""A node's task on one shard, before and after its inputs exist, and its result: plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.engines.base import EngineConfig
from pipeline.store.location import Location
from pipeline.workflow.prompt import Prompt

Key = tuple[str, int]
"""What names a task within a run: its node and its shard."""


@dataclass(frozen=True, slots=True)
class Replied:
    """Where the replies of before lie that count for a node.

    ``folders`` are those of all recipes of the node, here and in other roots, with the engine and
    the answers of its own. ``as_of`` is a name for the moment at which what they hold counts, so
    that a process looks only once.
    """

    folders: tuple[Location, ...]
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A node's work on one shard, without what it reads."""

    node: str
    stage: str
    shard: int
    config: Mapping[str, Any]
    media_root: Location
    engine: EngineConfig | None
    prompts: Mapping[str, Prompt]
    cpus: float
    gpus: float
    memory_gib: float = 0
    label_selector: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """Its name within a run."""
        return self.node, self.shard


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask(Task):
    """A task whose inputs need not exist yet; ``folder`` is that of its recipe.

    ``needs`` has, for each shard that is read, (name of the record class, task that makes the part)
    in the order of the stage's ``reads`` and the node's ``after``. A stage of scope ``dataset``
    reads all shards, one of scope ``group`` some, others one; where a task reads several, ``shard``
    is the number of their group. One of scope ``source`` reads none: ``manifest`` is the digest of
    its rows of the manifest and of the sizes of their files. One of scope ``streams`` reads all and
    makes the parts of several shards (``n_made``), of which ``shard`` is the first.
    """

    folder: Location
    needs: tuple[tuple[tuple[str, Key], ...], ...] = ()
    manifest: str = ""
    n_made: int = 1

    @property
    def made(self) -> range:
        """The shards whose parts it makes."""
        return range(self.shard, self.shard + self.n_made)

    @property
    def needed(self) -> Iterator[Key]:
        """Every task whose part must exist before this one can start."""
        return (key for shard in self.needs for _, key in shard)

    def ready(
        self, parts: Mapping[Key, Location], slot: Location, replied: Replied | None = None
    ) -> ShardTask:
        """The task that can start, where ``parts`` has all that it needs."""
        return ShardTask(
            node=self.node,
            stage=self.stage,
            shard=self.shard,
            config=self.config,
            media_root=self.media_root,
            engine=self.engine,
            prompts=self.prompts,
            cpus=self.cpus,
            gpus=self.gpus,
            memory_gib=self.memory_gib,
            label_selector=self.label_selector,
            inputs=tuple(tuple((kind, parts[key]) for kind, key in each) for each in self.needs),
            slot=slot,
            replied=replied,
            n_made=self.n_made,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardTask(Task):
    """A task that can start.

    ``inputs`` are the ``needs`` as parts, ``slot`` is where its own part goes, and ``replied`` is
    where asks were answered before: these are not asked again. The manifest rows of a stage of
    scope ``source`` are a file beside the slot (``write_manifest``). Of a task that makes several
    parts, ``slot`` is that of the first.
    """

    inputs: tuple[tuple[tuple[str, Location], ...], ...]
    slot: Location
    replied: Replied | None = None
    n_made: int = 1

    @property
    def input_parts(self) -> Iterator[Location]:
        """Every part that it reads."""
        return (part for shard in self.inputs for _, part in shard)


@dataclass(frozen=True, kw_only=True)
class ShardResult:
    """The result of one shard.

    ``part`` is None when there is an ``error``: the traceback, or one line where the shard was not
    started or its process died. ``counts`` are those in the footer of the part. ``unchanged``: the
    part was there already, for what it reads came out as it was, so nothing was done. ``blocked``:
    it was not started because a shard that it reads failed; it then has no slot. ``further`` are
    the parts of the shards behind ``shard``, of a task that makes several; ``counts`` are of all.
    """

    node: str
    shard: int
    slot: Location | None = None
    part: Location | None = None
    further: Sequence[Location] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    unchanged: bool = False
    blocked: bool = False

    @property
    def key(self) -> Key:
        """The task."""
        return self.node, self.shard

    @property
    def parts(self) -> Iterator[tuple[Key, Location]]:
        """The parts that there are now, each with its node and shard."""
        found = () if self.part is None else (self.part, *self.further)
        return (((self.node, shard), part) for shard, part in enumerate(found, self.shard))
