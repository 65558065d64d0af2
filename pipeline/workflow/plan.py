"""Plans a run: every part that it needs, which of them exist, and why the others do not."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.media.files import FileSizes
from pipeline.records.digest import digest
from pipeline.store.location import Location
from pipeline.store.parts import has_its_files, part_path
from pipeline.workflow.graph import Node
from pipeline.workflow.raw_rows import RawRow
from pipeline.workflow.source import Source
from pipeline.workflow.stage import about_dataset
from pipeline.workflow.task import ShardTask


@dataclass(frozen=True)
class ManifestShard:
    """A slice of the manifest."""

    rows: tuple[RawRow, ...]
    sizes: FileSizes

    @property
    def identity(self) -> str:
        """Digest of the rows and of the sizes of their files."""
        return digest([[[dict(row), self.sizes.of(row)] for row in self.rows], []], 8)


@dataclass(frozen=True)
class ManifestShards:
    """The manifest, shard by shard. Each pass reads it anew; no row is held."""

    source: Source
    videos_per_shard: int

    def __iter__(self) -> Iterator[ManifestShard]:
        """Raises ConfigError, at the end, where no row of the source can be read."""
        sizes = FileSizes(self.source.root)
        for rows in self.source.shards(self.videos_per_shard):
            yield ManifestShard(rows, sizes)


@dataclass(frozen=True)
class NodePlan:
    """All shard tasks of one node, those whose part did not exist, and why (``cause``).

    ``changed_by``: the nodes at or above this one whose recipe changed, each with its change.
    ``manifest`` and ``manifest_rows`` (rows of each shard) are set for the node that reads it.
    """

    node: Node
    tasks: Sequence[ShardTask]
    missing: Sequence[ShardTask]
    cause: str
    changed_by: Mapping[str, str]
    manifest: ManifestShards | None = None
    manifest_rows: Sequence[int] = field(default=(), repr=False)

    def done(self) -> Iterator[ShardTask]:
        """The tasks whose part exists now; lists their folder anew."""
        if self.tasks:
            there = self.tasks[0].part.parent.sizes()
            yield from (task for task in self.tasks if _is_made(self.node, task, there))


def make_plan(
    nodes: Sequence[Node], source: Source, videos_per_shard: int, root: Location
) -> Sequence[NodePlan]:
    """The plan of every node, in the order of ``nodes``. Only reads.

    Raises:
        ConfigError: the source has no row that can be read.
    """
    manifest = ManifestShards(source, videos_per_shard)
    shards = [(len(shard.rows), shard.identity) for shard in manifest]
    parts: dict[str, Sequence[Location]] = {}
    plans: dict[str, NodePlan] = {}
    for node in nodes:
        tasks = list(_tasks(node, shards, parts, source.root, root))
        parts[node.name] = [task.part for task in tasks]
        there = tasks[0].part.parent.sizes()
        missing = [task for task in tasks if not _is_made(node, task, there)]
        cause, changed_by = _cause(node, tasks, missing, plans, has_run="recipe.json" in there)
        plan = NodePlan(node, tasks, missing, cause, changed_by)
        if node.stage.scope == "source":
            plan = replace(plan, manifest=manifest, manifest_rows=[rows for rows, _ in shards])
        plans[node.name] = plan
    return list(plans.values())


def _is_made(node: Node, task: ShardTask, there: Collection[str]) -> bool:
    """Whether a part is among the names of its folder, and has its files."""
    if task.part.name not in there:
        return False
    return node.stage.scope != "dataset" or has_its_files(task.part)


def _tasks(
    node: Node,
    shards: Sequence[tuple[int, str]],
    parts: Mapping[str, Sequence[Location]],
    media_root: Location,
    root: Location,
) -> Iterable[ShardTask]:
    if node.stage.scope == "dataset":
        count = max(len(parts[other.name]) for other in node.after)
        inputs = tuple(_inputs(node, i, parts) for i in range(count))
        yield _task(node, 0, inputs, _identity(inputs), media_root, root)
        return
    for i, (_, identity) in enumerate(shards):
        if node.stage.scope == "source":
            yield _task(node, i, (), identity, media_root, root)
        else:
            inputs = (_inputs(node, i, parts),)
            yield _task(node, i, inputs, _identity(inputs), media_root, root)


def _inputs(
    node: Node, shard: int, parts: Mapping[str, Sequence[Location]]
) -> tuple[tuple[str, Location], ...]:
    """The parts that a shard reads; parts about the whole dataset are read by every shard."""
    return tuple(
        (kind.__name__, part)
        for kind in node.stage.reads
        for other in node.after
        if issubclass(other.stage.writes, kind)
        for part in (parts[other.name] if about_dataset(kind) else parts[other.name][shard:][:1])
    )


def _identity(inputs: tuple[tuple[tuple[str, Location], ...], ...]) -> str:
    """Digest of the names of the parts that are read, which stand for their content."""
    return digest([[], [[part.name for _, part in each] for each in inputs]], 8)


def _task(
    node: Node,
    shard: int,
    inputs: tuple[tuple[tuple[str, Location], ...], ...],
    identity: str,
    media_root: Location,
    root: Location,
) -> ShardTask:
    return ShardTask(
        node=node.name,
        stage=node.stage.name,
        shard=shard,
        config=node.recipe["config"],
        inputs=inputs,
        part=part_path(root, node.name, node.recipe_digest, shard, identity),
        media_root=media_root,
        engine=node.engine,
        prompts=node.prompts,
        cpus=node.execution.cpus,
        gpus=node.execution.gpus,
    )


def _cause(
    node: Node,
    tasks: Sequence[ShardTask],
    missing: Sequence[ShardTask],
    plans: Mapping[str, NodePlan],
    *,
    has_run: bool,
) -> tuple[str, Mapping[str, str]]:
    """Why a node's parts are missing, and the nodes that changed (``NodePlan.changed_by``).

    ``has_run``: a run has started on this very recipe before.
    """
    if not missing:
        return "", {}
    folder = tasks[0].part.parent
    if has_run:
        above = [other.name for other in node.after if plans[other.name].missing]
        return f"below {', '.join(above)}" if above else "shards not made yet", {}
    old = _nearest(folder.parent, node.recipe)
    if old is None:
        return "not run", {}
    changed = sorted(_differences(old, node.recipe))
    own = "; ".join(
        f"{_label(key, node)} changed" for key in changed if not key.startswith("after.")
    )
    if own:
        return own, {node.name: own}
    changed_by: dict[str, str] = {}
    for name in (key.removeprefix("after.") for key in changed):
        if name in plans:
            changed_by |= plans[name].changed_by or {name: plans[name].cause or "changed"}
    causes = [f"{name} ({why})" for name, why in changed_by.items()]
    return f"below {', '.join(causes)}" if causes else "the nodes it reads changed", changed_by


def _nearest(folder: Location, recipe: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The earlier recipe that differs from this one in the fewest places."""
    found = (_recipe(folder / name / "recipe.json") for name in folder.folders())
    old = [recipe for recipe in found if recipe is not None]
    return min(old, key=lambda other: len(_differences(other, recipe)), default=None)


def _recipe(file: Location) -> Mapping[str, Any] | None:
    """The recipe in a file; None if it is missing or damaged: it explains a plan, and no more."""
    try:
        recipe = json.loads(file.read_bytes())
    except (ValueError, FileNotFoundError):
        return None
    return recipe if isinstance(recipe, dict) else None


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    """Dotted keys, two deep, at which two recipes differ."""
    found = set()
    for key in old.keys() | new.keys():
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            inner = before.keys() | after.keys()
            found |= {f"{key}.{name}" for name in inner if before.get(name) != after.get(name)}
        else:
            found.add(key)
    return found


def _label(key: str, node: Node) -> str:
    """A key of a recipe in words."""
    head, _, name = key.partition(".")
    match head:
        case "prompt":
            return f"prompt {name}"
        case "config":
            return f"config.{name}"
        case "engine":
            return f"engine {name}"
        case "version":
            return f"version of stage {node.stage.name}"
        case "answer" | "writes":
            return "what it answers" if head == "answer" else "what it writes"
        case _:
            return key
