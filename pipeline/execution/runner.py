"""Runs the missing tasks of a plan and logs their results."""

from __future__ import annotations

import json
import platform
from collections.abc import Collection, Generator, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

import yaml

from pipeline.errors import ConfigError
from pipeline.execution.executors.base import Executor
from pipeline.execution.failure_limits import FailureMonitor
from pipeline.records.digest import canonical_json, text_digest
from pipeline.store.location import Location
from pipeline.store.part_names import manifest_path
from pipeline.store.parts import discard, write_manifest
from pipeline.store.recipe_file import write_recipe
from pipeline.store.run_log import RunLog, now
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import Node
from pipeline.workflow.plan import ManifestShards, NodePlan, parts_made, planned_again
from pipeline.workflow.task import PlannedTask, ShardResult

_PACKAGES = ("turnwise", "ray", "pyarrow", "av", "decord", "opencv-python-headless", "pydantic")


def discard_parts(plans: Sequence[NodePlan], names: Collection[str]) -> Sequence[NodePlan]:
    """Remove the parts of the named nodes, and what their models said; returns the plans after
    that. What was made of the parts stays until it is known whether their rows change."""
    for plan in plans:
        if plan.node.name in names:
            for part in plan.parts.values():
                discard(part)
    return planned_again(plans, fresh=names)


def missing_tasks(plans: Sequence[NodePlan], names: Collection[str]) -> Sequence[PlannedTask]:
    """The missing tasks of the named nodes, node after node.

    Raises:
        ConfigError: they read parts that neither exist nor are made by the named nodes.
    """
    tasks = [task for plan in plans if plan.node.name in names for task in plan.missing]
    absent = {task.key for plan in plans if plan.node.name not in names for task in plan.missing}
    for task in tasks:
        maker = next((key[0] for key in task.needed if key in absent), None)
        if maker is not None:
            raise ConfigError(
                f"{task.node} reads {maker}, which has not run for shard {task.shard}:"
                f" run {maker} first, or start with --from {maker}"
            )
    return tasks


def execute(
    plans: Sequence[NodePlan], tasks: Sequence[PlannedTask], executor: Executor, root: Location
) -> Iterator[ShardResult]:
    """Run the tasks; results come as they finish and are added to the run's log.

    Raises:
        ConfigError: the manifest has changed since the tasks were planned.
        FailureLimitExceeded: a node passed one of its limits. Tasks that are running are abandoned;
            their journals hold the replies they had.
    """
    started = {task.node for task in tasks}
    for plan in plans:
        if plan.node.name in started and plan.manifest is not None:
            _write_manifests(plan.manifest, plan, [t for t in tasks if t.node == plan.node.name])
    for plan in plans:
        if plan.node.name in started:
            write_recipe(plan.listing.folder, plan.node.recipe)
    with RunLog(root) as log:
        monitor = FailureMonitor(plan.node for plan in plans)
        results = executor.run(tasks, parts_made(plans))
        try:
            for result in results:
                if not result.unchanged:
                    log.write(_entry(result))
                yield result
                monitor.check(result)
        finally:
            # Now, and not at garbage collection: until then the workers go on.
            if isinstance(results, Generator):
                results.close()


def _write_manifests(
    manifest: ManifestShards, plan: NodePlan, tasks: Sequence[PlannedTask]
) -> None:
    """Write the manifest rows of each part of the source beside its slot, where they are not yet.

    That reads the manifest a second time: a plan holds none of its rows, for there may be millions.
    """
    there = tasks[0].folder.sizes()
    slots = {task.shard: plan.slots[task.shard] for task in tasks}
    wanted = {n: slot for n, slot in slots.items() if manifest_path(slot).name not in there}
    planned = {task.shard: task.manifest for task in tasks}
    for number, shard in enumerate(manifest if wanted else ()):
        slot = wanted.pop(number, None)
        if slot is None:
            continue
        if planned[number] != shard.identity:
            raise ConfigError("source.path: the manifest, or a video of it, changes: run again")
        write_manifest(slot, shard.rows)
        if not wanted:
            break
    if wanted:
        raise ConfigError("source.path: the manifest became shorter: run again")


def save_settings(config: RunConfig, nodes: Sequence[Node], root: Location) -> Location:
    """Write the resolved config, prompts and versions to ``<root>/settings/<digest>``."""
    resolved = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    prompts = {p.name: p.text for node in nodes for p in node.prompts.values()}
    versions = canonical_json({"python": platform.python_version(), **_versions()})
    digested = text_digest(canonical_json([resolved, prompts, versions]))
    folder = root / f"settings/{digested}"
    if (folder / "versions.json").exists():
        return folder
    (folder / "config.yaml").write_text(resolved)
    for name, text in prompts.items():
        (folder / f"prompts/{name}.md").write_text(text)
    (folder / "versions.json").write_text(json.dumps(json.loads(versions), indent=2) + "\n")
    return folder


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _entry(result: ShardResult) -> dict[str, object]:
    return {
        "at": now(),
        "node": result.node,
        "shard": result.shard,
        "part": result.slot.name if result.slot else "",
        "seconds": round(result.seconds, 3),
        "counts": dict(result.counts),
        "error": result.error,
        "blocked": result.blocked,
    }
