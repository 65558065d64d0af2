"""What a run would do: every part it needs, which of them exist, and why the others do not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.fingerprint import digest
from pipeline.graph import Node
from pipeline.source import RawRow, Source, file_bytes
from pipeline.stage import about_dataset
from pipeline.store import part_path
from pipeline.worker import ShardTask


@dataclass(frozen=True)
class NodePlan:
    """All shard tasks of one node, those whose part does not exist yet, and why (``cause``).

    ``begun``: of the nodes at or above this one, those whose recipe changed, with what changed.
    """

    node: Node
    tasks: Sequence[ShardTask]
    missing: Sequence[ShardTask]
    cause: str
    begun: Mapping[str, str]


def make_plan(
    nodes: Sequence[Node], source: Source, videos_per_shard: int, root: Path
) -> Sequence[NodePlan]:
    """What every node would compute, in the order of ``nodes``. Reads only what exists on disk."""
    rows = source.rows
    shards = [tuple(rows[i : i + videos_per_shard]) for i in range(0, len(rows), videos_per_shard)]
    parts: dict[str, list[Path]] = {}
    plans: dict[str, NodePlan] = {}
    for node in nodes:
        tasks = list(_tasks(node, shards, parts, source.root, root))
        parts[node.name] = [task.part for task in tasks]
        missing = [task for task in tasks if not task.part.exists()]
        cause, begun = _cause(node, tasks, missing, plans)
        plans[node.name] = NodePlan(node, tasks, missing, cause, begun)
    return list(plans.values())


def _tasks(
    node: Node,
    shards: Sequence[tuple[RawRow, ...]],
    parts: Mapping[str, Sequence[Path]],
    media_root: Path,
    root: Path,
) -> Iterable[ShardTask]:
    if node.stage.scope == "dataset":
        count = max(len(parts[other.name]) for other in node.after)
        inputs = tuple(_inputs(node, i, parts) for i in range(count))
        yield _task(node, 0, (), inputs, media_root, root)
        return
    for i, shard in enumerate(shards):
        if node.stage.scope == "source":
            yield _task(node, i, shard, (), media_root, root)
        else:
            yield _task(node, i, (), (_inputs(node, i, parts),), media_root, root)


def _inputs(
    node: Node, shard: int, parts: Mapping[str, Sequence[Path]]
) -> tuple[tuple[str, Path], ...]:
    """The parts that a shard reads; what is about the dataset comes with each of them."""
    return tuple(
        (kind.__name__, part)
        for kind in node.stage.reads
        for other in node.after
        if issubclass(other.stage.writes, kind)
        for part in (parts[other.name] if about_dataset(kind) else parts[other.name][shard:][:1])
    )


def _task(
    node: Node,
    shard: int,
    manifest: tuple[RawRow, ...],
    inputs: tuple[tuple[tuple[str, Path], ...], ...],
    media_root: Path,
    root: Path,
) -> ShardTask:
    names = [[part.name for _, part in each] for each in inputs]
    files = [[dict(row), file_bytes(row, media_root)] for row in manifest]
    identity = digest([files, names], 8)
    return ShardTask(
        node=node.name,
        stage=node.stage.name,
        shard=shard,
        config=node.recipe["config"],
        manifest=manifest,
        inputs=inputs,
        part=part_path(root, node.name, node.fingerprint, shard, identity),
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
) -> tuple[str, Mapping[str, str]]:
    """Why a node's parts are missing, and the nodes that began it with what changed in each."""
    if not missing:
        return "", {}
    folder = tasks[0].part.parent
    if (folder / "recipe.json").exists():
        above = [other.name for other in node.after if plans[other.name].missing]
        return f"below {', '.join(above)}" if above else "shards not made yet", {}
    old = _nearest(folder.parent, node.recipe)
    if old is None:
        return "not run", {}
    changed = sorted(_differences(old, node.recipe))
    own = "; ".join(
        f"{_spoken(key, node)} changed" for key in changed if not key.startswith("after.")
    )
    if own:
        return own, {node.name: own}
    begun: dict[str, str] = {}
    for name in (key.removeprefix("after.") for key in changed):
        if name in plans:
            begun |= plans[name].begun or {name: plans[name].cause or "changed"}
    causes = [f"{name} ({why})" for name, why in begun.items()]
    return f"below {', '.join(causes)}" if causes else "the nodes it reads changed", begun


def _nearest(folder: Path, recipe: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The earlier recipe that differs from this one in the fewest places; newest of equals."""
    found = sorted(folder.glob("*/recipe.json"), key=lambda p: p.stat().st_mtime, reverse=True)
    old = [recipe for recipe in map(_recipe, found) if recipe is not None]
    return min(old, key=lambda other: len(_differences(other, recipe)), default=None)


def _recipe(path: Path) -> Mapping[str, Any] | None:
    """The recipe in a file; None when the file is damaged: it says why, and decides nothing."""
    try:
        recipe = json.loads(path.read_bytes())
    except ValueError:
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


def _spoken(key: str, node: Node) -> str:
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
