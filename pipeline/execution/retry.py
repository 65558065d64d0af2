"""Discards parts, so that a run asks some of their asks again and reuses the other replies."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from pipeline.execution.journal import journal_path, replace_journal
from pipeline.execution.stored_replies import stored_entries
from pipeline.media.files import is_there
from pipeline.store.location import Location
from pipeline.store.part_names import rejects_path, replies_path, slot_of
from pipeline.store.parts import discard, read_counts, read_table
from pipeline.workflow.plan import NodePart, NodePlan, planned_again

_MISSING = "missing_file"


def parts_to_retry(
    plans: Sequence[NodePlan], reasons: Collection[str], nodes: Collection[str] = ()
) -> Sequence[NodePart]:
    """The parts of the named nodes, or of all, with a reject or a reply of these reasons.

    Reads footers alone; but a missing file counts where it is there now.
    """
    chosen = (plan for plan in plans if not nodes or plan.node.name in nodes)
    return [
        made
        for plan in chosen
        for made in plan.done()
        if _has(made, reasons, plan.tasks[0].media_root)
    ]


def give_up_parts(
    plans: Sequence[NodePlan], chosen: Sequence[NodePart], reasons: Collection[str]
) -> Sequence[NodePlan]:
    """Remove the chosen parts; returns the plans after that. What was made of them stays until it
    is known whether their rows change.

    Their replies go to journals, in which the asks that failed, or whose answer was rejected, for
    one of the reasons are marked to be asked again. A journal is written before its part is
    removed: if this is killed midway, a run or another retry completes it, and no reply is lost.
    """
    for made in chosen:
        if made.asked:
            rows = read_table(rejects_path(made.part), ("reason", "request_id")).to_pylist()
            rejected = {row.get("request_id", "") for row in rows if row["reason"] in reasons}
            entries = stored_entries(replies_path(made.part), reasons, rejected)
            replace_journal(journal_path(slot_of(made.part)), entries)
        discard(made.part)
    return planned_again(plans)


def remove_journals(given_up: Sequence[NodePart], plans: Sequence[NodePlan]) -> None:
    """Remove the journals of parts that were given up and made anew of other rows: what they hold
    is in the new parts."""
    made = {(part.node, part.shard) for plan in plans for part in plan.done()}
    for each in given_up:
        if (each.node, each.shard) in made:
            journal_path(slot_of(each.part)).remove_tree()


def _has(made: NodePart, reasons: Collection[str], media_root: Location) -> bool:
    found: set[str] = set(read_counts(rejects_path(made.part))["rejected"])
    if made.asked:
        found |= set(read_counts(replies_path(made.part))["errors"])
    wanted = found.intersection(reasons)
    return _any_is_back(made, media_root) if wanted == {_MISSING} else bool(wanted)


def _any_is_back(made: NodePart, media_root: Location) -> bool:
    """Whether a video that was turned down as a missing file has a file now."""
    rows = read_table(rejects_path(made.part), ("reason", "row")).to_pylist()
    refused = [json.loads(row["row"]) for row in rows if row["reason"] == _MISSING]
    files = ([clip["uri"] for clip in row.get("clips") or [row]] for row in refused)
    return any(all(is_there(uri, media_root) for uri in uris) for uris in files)
