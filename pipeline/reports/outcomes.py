"""What became of each video of a run, shard by shard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.records import Dialogue
from pipeline.reports.reconcile_counts import UNEXPLAINED
from pipeline.store.location import Location
from pipeline.store.part_names import rejects_path
from pipeline.store.parts import read_table
from pipeline.workflow.graph import Node
from pipeline.workflow.outputs import final_annotations, last_dialogues
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.selection import downstream


@dataclass
class Outcomes:
    """Rows of the manifest by what became of them, and what was made of them."""

    annotated: int = 0
    """With a dialogue."""
    open: int = 0
    """In shards without dialogues so far."""
    rejected: Counter[str] = field(default_factory=Counter)
    absent: Counter[str] = field(default_factory=Counter)
    samples: Counter[str] = field(default_factory=Counter)
    """Dialogues by task, negatives among them."""
    negatives: Counter[str] = field(default_factory=Counter)
    """Of these, the negatives by task."""
    placed: Counter[str] = field(default_factory=Counter)
    """Responses by flag."""
    open_annotations: Counter[str] = field(default_factory=Counter)
    """Annotations by task, of the open ones."""
    open_annotated: int = 0
    """Of the open ones, those with an annotation."""


def outcomes_of(plans: Sequence[NodePlan]) -> Outcomes:
    """What became of the videos, by the parts that exist now. Holds one shard at a time."""
    found = Outcomes()
    done = _done_by_shard(plans)
    source = next(plan for plan in plans if plan.node.stage.scope == "source")
    dialogues = {plan.node.name for plan in last_dialogues(plans)}
    annotations = {plan.node.name for plan in final_annotations(plans)}
    deciding = _deciding_first(plans)
    for shard, rows in enumerate(source.manifest_rows):
        parts = done.get(shard, {})
        annotated: set[str] = set()
        for part in (part for node, part in parts.items() if node in dialogues):
            table = read_table(part, ("video_id", "task", "responses", "is_negative"))
            found.placed.update(_flags(table.column("responses")))
            annotated |= set(_texts(table, "video_id"))
            found.samples.update(_texts(table, "task"))
            found.negatives.update(_texts(table.filter(table.column("is_negative")), "task"))
        if source.node.name not in parts:
            found.open += rows
            continue
        admitted = parts.pop(source.node.name)
        # Each row of the manifest is a row here or a reject.
        for reason in _texts(read_table(rejects_path(admitted), ("reason",)), "reason"):
            absent = reason in source.node.stage.absences
            (found.absent if absent else found.rejected)[reason] += 1
        videos = _texts(read_table(admitted, ("video_id",)), "video_id")
        if not dialogues or not dialogues <= parts.keys():
            waiting = set(videos) - annotated
            found.annotated += len(videos) - len(waiting)
            found.open += len(waiting)
            _count_annotations(found, (parts[n] for n in annotations if n in parts), waiting)
            continue
        causes = causes_of([(node, parts[node.name]) for node in deciding if node.name in parts])
        for video_id in videos:
            if video_id in annotated:
                found.annotated += 1
            else:
                reason, absent = causes.get(video_id, (UNEXPLAINED, False))
                (found.absent if absent else found.rejected)[reason] += 1
    return found


def _count_annotations(found: Outcomes, parts: Iterable[Location], waiting: set[str]) -> None:
    seen: set[str] = set()
    for part in parts:
        for row in read_table(part, ("video_id", "task")).to_pylist():
            if row["video_id"] in waiting:
                seen.add(row["video_id"])
                found.open_annotations[row["task"]] += 1
    found.open_annotated += len(seen)


def _deciding_first(plans: Sequence[NodePlan]) -> Sequence[Node]:
    """The nodes; first those that leave out dialogues which were there, then those with most nodes
    below them."""
    nodes = [plan.node for plan in plans]
    below = {node.name: len(downstream(nodes, {node.name})) for node in nodes}
    return sorted(nodes, key=lambda node: (not _leaves_out(node), -below[node.name]))


def _leaves_out(node: Node) -> bool:
    return any(issubclass(other.stage.writes, Dialogue) for other in node.after)


def causes_of(parts: Sequence[tuple[Node, Location]]) -> dict[str, tuple[str, bool]]:
    """For each video that was turned down in a shard, the reason and whether it is an absence.

    The first of these parts decides; but a refusal comes before an absence, unless the video had
    dialogues, which were left out.
    """
    left_out: dict[str, tuple[str, bool]] = {}
    refused: dict[str, tuple[str, bool]] = {}
    absent: dict[str, tuple[str, bool]] = {}
    for node, part in parts:
        for row in read_table(rejects_path(part), ("video_id", "reason")).to_pylist():
            absence = row["reason"] in node.stage.absences
            causes = left_out if _leaves_out(node) else absent if absence else refused
            causes.setdefault(row["video_id"], (row["reason"], absence))
    return absent | refused | left_out


def _texts(table: pa.Table, name: str) -> list[str]:
    return list(map(str, table.column(name).to_pylist()))


def _done_by_shard(plans: Sequence[NodePlan]) -> Mapping[int, dict[str, Location]]:
    """The parts that exist of each shard, by node, without those of stages of several shards."""
    found: dict[int, dict[str, Location]] = {}
    for plan in plans:
        if plan.node.stage.by_shard:
            for made in plan.done():
                found.setdefault(made.shard, {})[made.node] = made.part
    return found


def _flags(responses: pa.ChunkedArray[Any]) -> list[str]:
    flags = pc.struct_field(pc.list_flatten(responses), "flags")
    found: list[str] = pc.list_flatten(flags).to_pylist()
    return found
