"""Plans a run: every part that it needs, which of them exist, and why the others do not."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipeline.media.files import FileSizes
from pipeline.records.digest import digest
from pipeline.store.location import Location
from pipeline.store.part_names import Listing, list_parts, recipe_folder
from pipeline.store.parts import has_its_files
from pipeline.store.recipe_file import read_recipe
from pipeline.workflow.graph import Node
from pipeline.workflow.inputs import PartsMade, slot_for
from pipeline.workflow.raw_rows import RawRow, RefusedRow
from pipeline.workflow.replied import reply_folders
from pipeline.workflow.source import Source
from pipeline.workflow.stage import about_dataset
from pipeline.workflow.task import Key, PlannedTask, Replied


@dataclass(frozen=True)
class ManifestShard:
    """A slice of the manifest."""

    rows: tuple[RawRow, ...]
    sizes: FileSizes

    @property
    def identity(self) -> str:
        """Digest of the rows and of the sizes of their files; those of refused rows are not looked
        for."""
        return digest([[dict(row), self._size_of(row)] for row in self.rows], 16)

    def _size_of(self, row: RawRow) -> int | None:
        return None if isinstance(row, RefusedRow) else self.sizes.of(row)


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
class NodePart:
    """A part that exists: of a node and a shard; ``asked`` where its node asks a model."""

    node: str
    shard: int
    part: Location
    asked: bool


@dataclass(frozen=True)
class NodePlan:
    """All shard tasks of one node; by shard the slots of those whose inputs exist, and the parts;
    and why parts are missing (``cause``).

    ``changed_by``: the nodes at or above this one whose recipe changed, each with its change.
    ``manifest`` and ``manifest_rows`` (rows of each shard) are set for the node that reads it.
    ``fresh``: no reply of before is to be used again. ``elsewhere``: folders of the node in other
    roots, whose replies are to be used too.
    """

    node: Node
    tasks: Sequence[PlannedTask]
    listing: Listing
    slots: Mapping[int, Location] = field(default_factory=dict, repr=False)
    parts: Mapping[int, Location] = field(default_factory=dict, repr=False)
    cause: str = ""
    changed_by: Mapping[str, str] = field(default_factory=dict)
    manifest: ManifestShards | None = None
    manifest_rows: Sequence[int] = field(default=(), repr=False)
    fresh: bool = False
    elsewhere: tuple[Location, ...] = ()

    @property
    def missing(self) -> Sequence[PlannedTask]:
        """The tasks without a part."""
        return [task for task in self.tasks if task.shard not in self.parts]

    @property
    def waiting(self) -> int:
        """Of the missing, those whose inputs do not exist yet: a part of before may turn out to be
        theirs."""
        return len(self.tasks) - len(self.slots)

    def done(self) -> Iterator[NodePart]:
        """The parts that exist, by shard."""
        asked = self.node.engine is not None
        for shard, part in sorted(self.parts.items()):
            yield NodePart(self.node.name, shard, part, asked)


def make_plan(
    nodes: Sequence[Node],
    source: Source,
    videos_per_shard: int,
    root: Location,
    replies_from: Sequence[Location] = (),
) -> Sequence[NodePlan]:
    """The plan of every node, in the order of ``nodes``. Only reads.

    ``replies_from``: other roots, whose replies are to be used too.

    Raises:
        ConfigError: the source has no row that can be read.
    """
    manifest = ManifestShards(source, videos_per_shard)
    shards = [(len(shard.rows), shard.identity) for shard in manifest]
    counts: dict[str, int] = {}
    plans = []
    for node in nodes:
        folder = recipe_folder(root, node.name, node.recipe_digest)
        tasks = list(_tasks(node, shards, counts, source.root, folder))
        counts[node.name] = len(tasks)
        elsewhere = tuple(other / f"parts/{node.name}" for other in replies_from)
        plan = NodePlan(node, tasks, Listing(folder), elsewhere=elsewhere)
        if node.stage.scope == "source":
            plan = replace(plan, manifest=manifest, manifest_rows=[rows for rows, _ in shards])
        plans.append(plan)
    return planned_again(plans)


def planned_again(plans: Sequence[NodePlan], fresh: Collection[str] = ()) -> Sequence[NodePlan]:
    """The plans by what exists now, without reading the manifest again. Nodes of ``fresh``, and
    those that were fresh, use no reply of before."""
    parts: dict[Key, Location] = {}
    found: dict[str, NodePlan] = {}
    for plan in plans:
        node = plan.node
        listing = list_parts(plan.listing.folder)
        if not node.stage.by_shard:
            whole = {slot: part for slot, part in listing.parts.items() if has_its_files(part)}
            listing = replace(listing, parts=whole)
        slots = {t.shard: slot for t in plan.tasks if (slot := slot_for(t, parts)) is not None}
        there = {n: part for n, slot in slots.items() if (part := listing.part(slot)) is not None}
        parts |= {(node.name, shard): part for shard, part in there.items()}
        now = replace(plan, listing=listing, slots=slots, parts=there)
        cause, changed_by = _cause(now, found)
        found[node.name] = replace(
            now, cause=cause, changed_by=changed_by, fresh=plan.fresh or node.name in fresh
        )
    return list(found.values())


def parts_made(plans: Sequence[NodePlan]) -> PartsMade:
    """What exists of a run, for those who make the rest."""
    parts = {(p.node.name, shard): part for p in plans for shard, part in p.parts.items()}
    as_of = uuid.uuid4().hex
    replied = {
        plan.node.name: Replied(
            tuple(reply_folders(plan.node.recipe, plan.listing.folder, plan.elsewhere)), as_of
        )
        for plan in plans
        if plan.node.engine is not None and plan.missing and not plan.fresh
    }
    return PartsMade(parts, (plan.listing for plan in plans), replied)


def _tasks(
    node: Node,
    shards: Sequence[tuple[int, str]],
    counts: Mapping[str, int],
    media_root: Location,
    folder: Location,
) -> Iterator[PlannedTask]:
    if node.stage.scope == "source":
        for i, (_, identity) in enumerate(shards):
            yield _task(node, i, media_root, folder, manifest=identity)
        return
    size = node.stage.shards_of_task(node.config) or len(shards)
    for number, first in enumerate(range(0, len(shards), size)):
        group = range(first, min(first + size, len(shards)))
        needs = (_needs(node, i, counts, first=i == first) for i in group)
        yield _task(node, number, media_root, folder, tuple(filter(None, needs)))


def _needs(
    node: Node, shard: int, counts: Mapping[str, int], *, first: bool
) -> tuple[tuple[str, Key], ...]:
    """What a task reads of a shard; parts about the whole dataset come with the first of its
    shards."""
    return tuple(
        (kind.__name__, (other.name, i))
        for kind in node.stage.reads
        for other in node.after
        if issubclass(other.stage.writes, kind) and (first or not about_dataset(kind))
        for i in (range(counts[other.name]) if about_dataset(kind) else (shard,))
        if i < counts[other.name]
    )


def _task(
    node: Node,
    shard: int,
    media_root: Location,
    folder: Location,
    needs: tuple[tuple[tuple[str, Key], ...], ...] = (),
    manifest: str = "",
) -> PlannedTask:
    return PlannedTask(
        node=node.name,
        stage=node.stage.name,
        shard=shard,
        config=node.recipe["config"],
        media_root=media_root,
        engine=node.engine,
        prompts=node.prompts,
        cpus=node.execution.cpus,
        gpus=node.execution.gpus,
        folder=folder,
        needs=needs,
        manifest=manifest,
    )


def _cause(plan: NodePlan, plans: Mapping[str, NodePlan]) -> tuple[str, Mapping[str, str]]:
    """Why a node's parts are missing, and the nodes that changed (``NodePlan.changed_by``)."""
    node = plan.node
    todo = [slot for shard, slot in plan.slots.items() if shard not in plan.parts]
    if not plan.listing.has_recipe and (todo or plan.waiting):
        old = _nearest(plan.listing.folder.parent, node.recipe)
        own = old and "; ".join(
            f"{_label(key, node)} changed" for key in sorted(_differences(old, node.recipe))
        )
        return (own, {node.name: own}) if own else ("not run", {})
    if todo:
        other_rows = node.after and any(map(plan.listing.has_others, todo))
        return "what it reads changed" if other_rows else "shards not made yet", {}
    if not plan.waiting:
        return "", {}
    above = [plans[other.name] for other in node.after if plans[other.name].missing]
    changed_by = {name: why for each in above for name, why in each.changed_by.items()}
    causes = [f"{name} ({why})" for name, why in changed_by.items()]
    return f"below {', '.join(causes or [each.node.name for each in above])}", changed_by


def _nearest(folder: Location, recipe: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The earlier recipe that differs from this one in the fewest places."""
    found = (read_recipe(folder / name) for name in folder.folders())
    old = [recipe for recipe in found if recipe is not None]
    return min(old, key=lambda other: len(_differences(other, recipe)), default=None)


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
