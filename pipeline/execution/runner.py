"""Runs the missing tasks of a plan, logs their results, and installs the corpus."""

from __future__ import annotations

import json
import os
import platform
import shutil
import uuid
from collections.abc import Collection, Generator, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from pipeline.corpus.card import CARD, Intake, with_intake
from pipeline.errors import ConfigError
from pipeline.execution.executors.base import Executor
from pipeline.execution.failure_limits import FailureMonitor
from pipeline.records.digest import canonical_json, text_digest
from pipeline.store.heartbeat import heartbeat
from pipeline.store.location import Location
from pipeline.store.part_names import files_path, manifest_path
from pipeline.store.parts import copy_folder, discard, put_folder, write_manifest, write_recipe
from pipeline.store.run_log import RunLog, now
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import Node
from pipeline.workflow.inputs import slot_for
from pipeline.workflow.plan import ManifestShards, NodePlan, parts_made, planned_again
from pipeline.workflow.task import PlannedTask, ShardResult

_COPY_UP_TO_BYTES = 1 << 20

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
            _write_manifests(plan.manifest, [t for t in tasks if t.node == plan.node.name])
    for plan in plans:
        if plan.node.name in started:
            write_recipe(plan.listing.folder, plan.node.recipe)
    with heartbeat(root), RunLog(root) as log:
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


def _write_manifests(manifest: ManifestShards, tasks: Sequence[PlannedTask]) -> None:
    """Write the manifest rows of each part of the source beside its slot, where they are not yet.

    That reads the manifest a second time: a plan holds none of its rows, for there may be millions.
    """
    there = tasks[0].folder.sizes()
    slots = {task.shard: slot for task in tasks if (slot := slot_for(task, {})) is not None}
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


def install_corpus(
    plans: Sequence[NodePlan], corpus: Location, intake: Intake | None = None
) -> bool:
    """Put the files of the dataset node's part at ``corpus``; False where there are none.

    ``intake`` goes into the card: what the dataset node reads says nothing of rejected videos.
    Large files are hard links to the part's where the file system allows it. The old folder is
    replaced by one rename, and of runs that install at once the whole corpus of one stays. In an
    object store the files are copied one by one, the card and the counts last.
    """
    for plan in plans:
        part = plan.parts.get(0)
        if plan.node.stage.scope != "dataset" or part is None:
            continue
        files = files_path(part)
        names = files.walk()
        if not names:
            continue
        if corpus.path is None or files.path is None:
            # The card and the counts are at the top level, and describe the other files.
            ordered = sorted(names, key=lambda name: ("/" not in name, name))
            copy_folder({name: files / name for name in ordered}, corpus)
            _complete_card(corpus / CARD, intake)
            return True
        fresh = corpus.path.with_name(f".{corpus.name}.{uuid.uuid4().hex}")
        try:
            shutil.copytree(files.path, fresh, copy_function=_link)
            _complete_card(Location.of(fresh) / CARD, intake)
            put_folder(fresh, corpus.path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return True
    return False


def _complete_card(card: Location, intake: Intake | None) -> None:
    if intake is not None and card.exists():
        card.write_text(with_intake(card.read_bytes().decode(), intake))


def save_settings(config: RunConfig, nodes: Sequence[Node], root: Location) -> Location:
    """Write the resolved config, prompts and versions to ``<root>/settings/<digest>``."""
    resolved = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    prompts = {p.name: p.text for node in nodes for p in node.prompts.values()}
    versions = canonical_json({"python": platform.python_version(), **_versions()})
    digested = text_digest(canonical_json([resolved, prompts, versions]))
    folder = root / f"settings/{digested}"
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


def _link(source: str, target: str) -> None:
    """Link a large file; copy a small one, which a user may edit in place (the card)."""
    try:
        if Path(source).stat().st_size > _COPY_UP_TO_BYTES:
            os.link(source, target)
            return
    except OSError:
        pass
    shutil.copyfile(source, target)
