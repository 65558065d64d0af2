"""Do what a plan says is missing, and leave a record of it beside the parts."""

from __future__ import annotations

import json
import os
import platform
import shutil
import uuid
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TextIO

import yaml

from pipeline.config import RunConfig
from pipeline.executor import Executor
from pipeline.fingerprint import canonical_json, text_digest
from pipeline.graph import Node, downstream
from pipeline.guard import Guard
from pipeline.journal import remove_journal
from pipeline.plan import NodePlan
from pipeline.store import discard, files_path, put_folder, write_recipe, write_text
from pipeline.suggest import ConfigError
from pipeline.worker import ShardResult, ShardTask

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
    made = {task.part for task in tasks}
    makers = {task.part: plan.node.name for plan in plans for task in plan.tasks}
    for task in tasks:
        absent = [p for p in task.input_parts if p not in made and not p.exists()]
        if absent:
            maker = makers[absent[0]]
            raise ConfigError(
                f"{task.node} reads {maker}, which has not run for shard {task.shard}:"
                f" run {maker} first, or start with --from {maker}"
            )
    return tasks


def execute(
    plans: Sequence[NodePlan], tasks: Sequence[ShardTask], executor: Executor, root: Path
) -> Iterator[ShardResult]:
    """Run the tasks; results come as they finish and are added to ``<root>/log.jsonl``.

    Raises:
        CollapseError: a node passed one of its limits. No further task is started; what is under
            way is let go, and its journals hold what was answered.
    """
    started = {task.node for task in tasks}
    for plan in plans:
        if plan.node.name in started:
            write_recipe(plan.tasks[0].part.parent, plan.node.recipe)
    root.mkdir(parents=True, exist_ok=True)
    with (root / "log.jsonl").open("a+", encoding="utf-8", errors="replace") as log:
        _end_line(log)
        guard = Guard(plan.node for plan in plans)
        results = executor.run(tasks)
        try:
            for result in results:
                log.write(canonical_json(_entry(result)) + "\n")
                log.flush()
                yield result
                guard.check(result)
        finally:
            # At once: until then the workers go on with what they have.
            if isinstance(results, Generator):
                results.close()


def publish_corpus(plans: Sequence[NodePlan], corpus: Path) -> bool:
    """Put the files that a dataset node left in place; False when none has run.

    The files are linked, not copied, where the file system can. The old folder goes only when the
    new one is complete; runs that publish at once leave the whole corpus of one of them.
    """
    for plan in plans:
        part = plan.tasks[0].part
        if plan.node.stage.scope != "dataset" or not part.exists():
            continue
        if any(files_path(part).iterdir()):
            fresh = corpus.with_name(f".{corpus.name}.{uuid.uuid4().hex}")
            try:
                shutil.copytree(files_path(part), fresh, copy_function=_link)
                put_folder(fresh, corpus)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)
            return True
    return False


def save_settings(config: RunConfig, nodes: Sequence[Node], root: Path) -> Path:
    """Leave resolved config, prompts and versions under ``<root>/settings/<digest>``."""
    resolved = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    prompts = {p.name: p.text for node in nodes for p in node.prompts.values()}
    versions = canonical_json({"python": platform.python_version(), **_versions()})
    folder = root / "settings" / text_digest(canonical_json([resolved, prompts, versions]))
    write_text(folder / "config.yaml", resolved)
    for name, text in prompts.items():
        write_text(folder / "prompts" / f"{name}.md", text)
    write_text(folder / "versions.json", json.dumps(json.loads(versions), indent=2) + "\n")
    return folder


def _end_line(log: TextIO) -> None:
    """A run that was killed in the middle of a line must not spoil the next one."""
    end = log.seek(0, os.SEEK_END)
    if end:
        log.seek(end - 1)
        if log.read(1) != "\n":
            log.write("\n")


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
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
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
