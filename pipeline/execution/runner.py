"""Do what a plan says is missing, and leave a record of it beside the parts."""

from __future__ import annotations

import json
import os
import platform
import shutil
import uuid
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml

from pipeline.errors import ConfigError
from pipeline.execution.executors.base import Executor
from pipeline.execution.failure_limits import FailureMonitor
from pipeline.execution.journal import remove_journal
from pipeline.records.digest import canonical_json, text_digest
from pipeline.store.heartbeat import alive
from pipeline.store.location import Location
from pipeline.store.parts import (
    copy_folder,
    discard,
    files_path,
    manifest_path,
    put_folder,
    write_manifest,
    write_recipe,
)
from pipeline.store.run_log import RunLog, now
from pipeline.workflow.config import RunConfig
from pipeline.workflow.graph import Node, downstream
from pipeline.workflow.plan import ManifestShards, NodePlan
from pipeline.workflow.task import ShardResult, ShardTask

_COPY_UP_TO_BYTES = 1 << 20

_PACKAGES = ("turnwise", "ray", "pyarrow", "av", "decord", "opencv-python-headless", "pydantic")


def discard_parts(plans: Sequence[NodePlan], names: Collection[str]) -> Sequence[NodePlan]:
    """The plans after the parts of the named nodes, and of every node below them, were removed,
    with all that was heard for them.

    A part's name says what went into it, not what came out: were only the named nodes recomputed,
    the parts made from their old rows would stay. For the same reason the deepest go first: killed
    midway, this leaves no part below one that is gone.
    """
    stale = downstream([plan.node for plan in plans], names)
    for plan in reversed(plans):
        if plan.node.name in stale:
            for task in plan.tasks:
                discard(task.part)
                remove_journal(task.part)
    return [replace(p, missing=p.tasks) if p.node.name in stale else p for p in plans]


def todo(plans: Sequence[NodePlan], names: Collection[str]) -> Sequence[ShardTask]:
    """The missing tasks of the named nodes, node after node.

    Raises:
        ConfigError: they read parts that neither exist nor are made by the named nodes.
    """
    tasks = [task for plan in plans if plan.node.name in names for task in plan.missing]
    absent = {
        task.part: plan.node.name
        for plan in plans
        if plan.node.name not in names
        for task in plan.missing
    }
    for task in tasks:
        maker = next((absent[part] for part in task.input_parts if part in absent), None)
        if maker is not None:
            raise ConfigError(
                f"{task.node} reads {maker}, which has not run for shard {task.shard}:"
                f" run {maker} first, or start with --from {maker}"
            )
    return tasks


def execute(
    plans: Sequence[NodePlan], tasks: Sequence[ShardTask], executor: Executor, root: Location
) -> Iterator[ShardResult]:
    """Run the tasks; results come as they finish and are added to the run's log.

    Raises:
        ConfigError: the manifest is not any more what it was when the tasks were planned.
        FailureLimitExceeded: a node passed one of its limits. No further task is started; what is
            under way is let go, and its journals hold what was answered.
    """
    started = {task.node for task in tasks}
    for plan in plans:
        if plan.node.name in started and plan.manifest is not None:
            _write_manifests(plan.manifest, [t for t in tasks if t.node == plan.node.name])
    for plan in plans:
        if plan.node.name in started:
            write_recipe(plan.tasks[0].part.parent, plan.node.recipe)
    with alive(root), RunLog(root) as log:
        monitor = FailureMonitor(plan.node for plan in plans)
        results = executor.run(tasks)
        try:
            for result in results:
                log.write(_entry(result))
                yield result
                monitor.check(result)
        finally:
            # At once: until then the workers go on with what they have.
            if isinstance(results, Generator):
                results.close()


def _write_manifests(manifest: ManifestShards, tasks: Sequence[ShardTask]) -> None:
    """Leave beside each part that is to be made of rows of the manifest these rows."""
    wanted = {task.shard: task.part for task in tasks}
    there = tasks[0].part.parent.sizes()
    for number, shard in enumerate(manifest):
        part = wanted.pop(number, None)
        if part is None or manifest_path(part).name in there:
            continue
        if not part.stem.endswith(f"-{shard.identity}"):
            raise ConfigError("source.path: the manifest, or a video of it, changes: run again")
        write_manifest(part, shard.rows)
    if wanted:
        raise ConfigError("source.path: the manifest became shorter: run again")


def install_corpus(plans: Sequence[NodePlan], corpus: Location) -> bool:
    """Put the files that a dataset node left in place; False when none has run.

    On this machine the files are linked, not copied, where the file system can. The old folder
    goes only when the new one is complete; runs that publish at once leave the whole corpus of one
    of them. An object store cannot do that: there file after file is put in place, what tells of
    the others last.
    """
    for plan in plans:
        part = plan.tasks[0].part
        if plan.node.stage.scope != "dataset" or not part.exists():
            continue
        files = files_path(part)
        names = files.walk()
        if not names:
            continue
        if corpus.path is None or files.path is None:
            # The card and the counts stand at the top.
            ordered = sorted(names, key=lambda name: ("/" not in name, name))
            copy_folder({name: files / name for name in ordered}, corpus)
            return True
        fresh = corpus.path.with_name(f".{corpus.name}.{uuid.uuid4().hex}")
        try:
            shutil.copytree(files.path, fresh, copy_function=_link)
            put_folder(fresh, corpus.path)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return True
    return False


def save_settings(config: RunConfig, nodes: Sequence[Node], root: Location) -> Location:
    """Leave resolved config, prompts and versions under ``<root>/settings/<digest>``."""
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
        "part": result.part.name,
        "seconds": round(result.seconds, 3),
        "counts": dict(result.counts),
        "error": result.error,
        "blocked": result.blocked,
    }


def _link(source: str, target: str) -> None:
    """A link for what is large; what somebody may edit in place (the card) is a copy."""
    try:
        if Path(source).stat().st_size > _COPY_UP_TO_BYTES:
            os.link(source, target)
            return
    except OSError:
        pass
    shutil.copyfile(source, target)
