"""Every row that was turned down: what for, by whom, how often it was tried, and what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from pipeline.engines.errors import ASK_ERRORS, PASSING_ERRORS, UNANSWERED
from pipeline.errors import ConfigError, did_you_mean
from pipeline.records import Reject
from pipeline.records.schema import from_table
from pipeline.store.location import Location
from pipeline.store.parts import read_counts, read_table, rejects_path, replies_path
from pipeline.store.run_log import Attempts, read_attempts
from pipeline.workflow.annotation_stage import AnnotationConfig
from pipeline.workflow.graph import Node
from pipeline.workflow.outputs import done_tasks
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import ShardTask

RejectClass = Literal["input", "engine", "ask", "answer", "rule"]
"""What a reject is to be blamed on.

``input``: the video or its row in the manifest. ``engine``: an engine, or the way to it; the same
ask may be answered another time. ``ask``: the engine does not take it. ``answer``: what a model
said. ``rule``: what another stage had let through, by this one's rules.

It follows from where a reject comes from, so that a new reason has its class without being told.
"""
DETAIL_CHARACTERS = 100


class RejectRow(BaseModel):
    """A reject with its references.

    ``attempts`` counts how often the ask was put to the engine, in all runs, with ``first_at`` and
    ``last_at`` of them; where nothing was asked, how often the shard was worked on. ``prompt`` and
    ``prompt_sha`` name the file that was asked with, ``request_id`` the ask in ``replies``, a file
    of the run; all are empty where nothing was asked.
    """

    model_config = ConfigDict(frozen=True)

    video_id: str
    node: str
    stage: str
    shard: int
    reason: str
    reason_class: RejectClass
    detail: str
    attempts: int
    first_at: str
    last_at: str
    request_id: str
    prompt: str
    prompt_sha: str
    replies: str
    row: str


def class_of(reject: Reject, node: Node) -> RejectClass:
    """What a reject of a node is to be blamed on."""
    if node.stage.answer is not None and reject.request_id:
        if reject.reason in PASSING_ERRORS:
            return "engine"
        return "ask" if reject.reason in ASK_ERRORS else "answer"
    # Who reads nothing but the manifest, or what was admitted of it, judges the video itself.
    admitted = all(other.stage.scope == "source" for other in node.after)
    return "input" if admitted else "rule"


def known_reasons(plans: Sequence[NodePlan]) -> set[str]:
    """Those that the run has, and those that an ask may always have. Reads footers alone."""
    found = set(UNANSWERED)
    for task in done_tasks(plans):
        found |= read_counts(rejects_path(task.part))["rejected"].keys()
        if task.engine is not None:
            found |= read_counts(replies_path(task.part))["errors"].keys()
    return found


def check_names(
    plans: Sequence[NodePlan], nodes: Collection[str], reasons: Collection[str]
) -> None:
    """Nothing, or why there can be no such rejects.

    Raises:
        ConfigError: there is no such node, or no such reason; the message names a close one.
    """
    names = [plan.node.name for plan in plans]
    for name in nodes:
        if name not in names:
            raise ConfigError(f"--node: there is no node {name!r}{did_you_mean(name, names)}")
    known = known_reasons(plans) if reasons else set[str]()
    for reason in reasons:
        if reason not in known:
            hint = did_you_mean(reason, known)
            raise ConfigError(f"--reason: nothing was rejected as {reason!r}{hint}")


def read_rejects(
    plans: Sequence[NodePlan],
    root: Location,
    nodes: Collection[str] = (),
    reasons: Collection[str] = (),
) -> Iterator[RejectRow]:
    """Node after node, shard after shard; of all nodes, or for all reasons, where none is named.

    Holds one shard at a time.
    """
    log = read_attempts(root)
    for plan in plans:
        if nodes and plan.node.name not in nodes:
            continue
        for task in done_tasks([plan]):
            there = read_counts(rejects_path(task.part))["rejected"].keys()
            if there and (not reasons or there & set(reasons)):
                rows = _rows(plan.node, task, root, log)
                yield from (row for row in rows if not reasons or row.reason in reasons)


def _rows(
    node: Node, task: ShardTask, root: Location, log: Mapping[tuple[str, str], Attempts]
) -> Iterator[RejectRow]:
    path = rejects_path(task.part)
    rejects = from_table(Reject, read_table(path, Reject.model_fields))
    shard = log.get((task.node, task.part.name), Attempts())
    asked = _asked(task) if any(reject.request_id for reject in rejects) else {}
    for reject in rejects:
        of_ask = bool(reject.request_id)
        attempts = asked.get(reject.request_id, shard)
        prompt = _prompt(node) if of_ask else ("", "")
        yield RejectRow(
            video_id=reject.video_id,
            node=node.name,
            stage=node.stage.name,
            shard=task.shard,
            reason=reject.reason,
            reason_class=class_of(reject, node),
            detail=reject.detail,
            attempts=attempts.count,
            first_at=attempts.first_at,
            last_at=attempts.last_at,
            request_id=reject.request_id,
            prompt=prompt[0],
            prompt_sha=prompt[1],
            replies=replies_path(task.part).address.removeprefix(f"{root}/") if of_ask else "",
            row=reject.row,
        )


def _asked(task: ShardTask) -> dict[str, Attempts]:
    """The attempts at each ask of a shard, by request."""
    columns = ("request_id", "attempts", "first_at", "last_at")
    table = read_table(replies_path(task.part), columns)
    if table.num_columns < len(columns):
        return {}  # written by an earlier version
    return {
        row["request_id"]: Attempts(row["attempts"], row["first_at"], row["last_at"])
        for row in table.to_pylist()
    }


def _prompt(node: Node) -> tuple[str, str]:
    """Name and digest of the prompt that a node asks with."""
    if not isinstance(node.config, AnnotationConfig):
        return "", ""
    return node.config.prompt, node.prompts[node.config.prompt].sha


def rejects_text(rows: Iterable[RejectRow]) -> str:
    """A table of how many there are of each node and reason, with the first of each."""
    counts: Counter[tuple[str, RejectClass, str]] = Counter()
    attempts: Counter[tuple[str, RejectClass, str]] = Counter()
    first: dict[tuple[str, RejectClass, str], RejectRow] = {}
    for row in rows:
        key = (row.node, row.reason_class, row.reason)
        counts[key] += 1
        attempts[key] = max(attempts[key], row.attempts)
        first.setdefault(key, row)
    if not counts:
        return "nothing was rejected"
    lines = [f"{'node':16} {'class':6} {'reason':24} {'rows':>7} {'attempts':>8}  first"]
    for key, row in first.items():
        node, kind, reason = key
        detail = " ".join(row.detail.split())[:DETAIL_CHARACTERS]
        said = f"{row.video_id}: {detail}" if detail else row.video_id
        lines.append(
            f"{node:16} {kind:6} {reason:24} {counts[key]:>7} {attempts[key]:>8}  {said}".rstrip()
        )
    lines.append(f"{counts.total()} rows; --json has each with all that is known of it")
    return "\n".join(lines)
