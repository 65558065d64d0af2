"""Discards parts, so that a run asks some of their asks again and reuses the other replies."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, replace
from itertools import groupby
from typing import Any

from pipeline.engines.base import Reply
from pipeline.execution.journal import Entry, replace_journal
from pipeline.media.files import is_there
from pipeline.records import ModelReply
from pipeline.store.location import Location
from pipeline.store.parts import discard, read_counts, read_table, rejects_path, replies_path
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import ShardTask

_MISSING = "missing_file"
_REPLY = tuple(field.name for field in fields(Reply))


def parts_to_retry(
    plans: Sequence[NodePlan], reasons: Collection[str], nodes: Collection[str] = ()
) -> frozenset[Location]:
    """The parts of the named nodes, or of all, with a reject or a reply of these reasons.

    Reads footers alone; but a missing file counts where it is there now.
    """
    found = set[Location]()
    for plan in plans:
        if nodes and plan.node.name not in nodes:
            continue
        found |= {task.part for task in plan.done() if _has(task, reasons)}
    return frozenset(found)


def give_up_parts(
    plans: Sequence[NodePlan], chosen: Collection[Location], reasons: Collection[str]
) -> Sequence[NodePlan]:
    """Remove the chosen parts and all parts made from them; returns the plans after that.

    The replies go back to the parts' journals. Asks of the chosen parts that failed, or whose
    answer was rejected, for one of the reasons are marked to be asked again. A journal is written
    before its part is removed, and the deepest parts go first: if this is killed midway, a run or
    another retry completes it, and no reply is lost.
    """
    stale: set[Location] = set(chosen)
    for plan in plans:
        for task in plan.tasks:
            if not stale.isdisjoint(task.input_parts):
                stale.add(task.part)
    for plan in reversed(plans):
        for task in plan.done():
            if task.part in stale:
                if task.engine is not None:
                    drop = reasons if task.part in chosen else ()
                    replace_journal(task.part, _entries(task, drop))
                discard(task.part)
    missing = {task.part for plan in plans for task in plan.missing}
    return [
        replace(plan, missing=[t for t in plan.tasks if t.part in stale or t.part in missing])
        for plan in plans
    ]


def _has(task: ShardTask, reasons: Collection[str]) -> bool:
    found: set[str] = set(read_counts(rejects_path(task.part))["rejected"])
    if task.engine is not None:
        found |= set(read_counts(replies_path(task.part))["errors"])
    wanted = found.intersection(reasons)
    return _any_is_back(task) if wanted == {_MISSING} else bool(wanted)


def _any_is_back(task: ShardTask) -> bool:
    """Whether a video that was turned down as a missing file has a file now."""
    rows = read_table(rejects_path(task.part), ("reason", "row")).to_pylist()
    uris = (json.loads(row["row"])["uri"] for row in rows if row["reason"] == _MISSING)
    return any(is_there(uri, task.media_root) for uri in uris)


def _entries(task: ShardTask, reasons: Collection[str]) -> Iterator[Entry]:
    """The journal of a part, rebuilt from its replies, with the asks to be asked again marked."""
    rejected: set[str] = set()
    if reasons:
        table = read_table(rejects_path(task.part), ("reason", "request_id"))
        rejected = {
            row.get("request_id", "") for row in table.to_pylist() if row["reason"] in reasons
        }
    rows = read_table(replies_path(task.part), ModelReply.model_fields).to_pylist()
    # Replies of earlier versions have no digest of the ask, so they cannot be reused.
    for ask, samples in groupby((row for row in rows if row.get("ask")), lambda row: row["ask"]):
        replies: list[dict[str, Any]] = list(samples)
        failed = replies[0]["request_id"] in rejected or any(r["error"] in reasons for r in replies)
        yield Entry(
            ask=ask,
            attempts=replies[0]["attempts"],
            first_at=replies[0]["first_at"],
            last_at=replies[0]["last_at"],
            replies=tuple(Reply(**{name: row[name] for name in _REPLY}) for row in replies),
            again=failed,
        )
