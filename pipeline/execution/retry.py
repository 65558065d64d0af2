"""Parts given up so that some of their asks are put again: the good replies stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, replace
from itertools import groupby
from typing import Any

from pipeline.engines.base import Reply
from pipeline.execution.journal import Entry, replace_journal
from pipeline.records import ModelReply
from pipeline.store.location import Location
from pipeline.store.parts import discard, read_counts, read_table, rejects_path, replies_path
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.task import ShardTask

_REPLY = tuple(field.name for field in fields(Reply))


def parts_to_retry(
    plans: Sequence[NodePlan], reasons: Collection[str], nodes: Collection[str] = ()
) -> frozenset[Location]:
    """The parts of the named nodes, or of all, with a reject or a reply of these reasons.

    Reads footers alone.
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
    """The plans after the chosen parts, and all that was made from them, were removed.

    What was said for them is kept in their journals, but for the asks of the chosen parts that
    failed, or whose answer was rejected, for one of the reasons. A journal is there before its part
    goes, and the deepest parts go first: killed midway, this leaves what a run or another retry
    makes whole, with no reply lost.
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
    return not found.isdisjoint(reasons)


def _entries(task: ShardTask, reasons: Collection[str]) -> Iterator[Entry]:
    """What a journal of a part would hold, with the asks that are to be put again marked."""
    rejected: set[str] = set()
    if reasons:
        table = read_table(rejects_path(task.part), ("reason", "request_id"))
        rejected = {
            row.get("request_id", "") for row in table.to_pylist() if row["reason"] in reasons
        }
    rows = read_table(replies_path(task.part), ModelReply.model_fields).to_pylist()
    # Without a digest, as earlier versions wrote them, nobody can tell what the ask was.
    for ask, samples in groupby((row for row in rows if row.get("ask")), lambda row: row["ask"]):
        given: list[dict[str, Any]] = list(samples)
        failed = given[0]["request_id"] in rejected or any(r["error"] in reasons for r in given)
        yield Entry(
            ask=ask,
            attempts=given[0]["attempts"],
            first_at=given[0]["first_at"],
            last_at=given[0]["last_at"],
            replies=tuple(Reply(**{name: row[name] for name in _REPLY}) for row in given),
            again=failed,
        )
