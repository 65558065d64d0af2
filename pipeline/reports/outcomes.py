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
class VideoOutcomes:
    """Videos by what became of them."""

    annotated: int = 0
    """With a dialogue."""
    open: int = 0
    """In shards without dialogues so far."""
    rejected: Counter[str] = field(default_factory=Counter)
    absent: Counter[str] = field(default_factory=Counter)

    def add(self, reason: str, *, absent: bool) -> None:
        """One that was turned down."""
        (self.absent if absent else self.rejected)[reason] += 1


@dataclass
class Outcomes(VideoOutcomes):
    """Rows of the manifest by what became of them, streams likewise, and what was made of both."""

    in_streams: int = 0
    """Rows without a dialogue of their own that are clips of streams."""
    streams: VideoOutcomes | None = None
    """None where no node makes any."""
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
    """What became of the videos, by the parts that exist now. Holds one shard at a time, and the
    ids of the clips of streams."""
    found, done, clips = Outcomes(), _done_by_shard(plans), _Clips.read(plans)
    nodes = _deciding_first(plans)
    for base in (plan for plan in plans if plan.node.stage.scope in ("source", "streams")):
        makers = _Makers.of(plans, base.node)
        counted: VideoOutcomes = found
        known = clips
        if base.node.stage.scope == "streams":
            counted = found.streams = found.streams or VideoOutcomes()
            known = _Clips()
        for shard in base.shards:
            parts = done.get(shard, {})
            annotated = _count_made(found, [parts[n] for n in makers.dialogues if n in parts])
            admitted = parts.pop(base.node.name, None)
            if admitted is None:
                counted.open += base.manifest_rows[shard] if base.manifest_rows else 0
                continue
            if base.node.stage.scope == "source":
                # Each row of the manifest is a row here or a reject.
                for reason in _texts(read_table(rejects_path(admitted), ("reason",)), "reason"):
                    counted.add(reason, absent=reason in base.node.stage.absences)
            left = []
            for video_id in _texts(read_table(admitted, ("video_id",)), "video_id"):
                counted.annotated += video_id in annotated
                found.in_streams += video_id not in annotated and video_id in known.placed
                if video_id not in annotated and video_id not in known.placed:
                    left.append(video_id)
            if known.open or not makers.are_done(parts, streams=known.nodes > 0):
                counted.open += len(left)
                own = (parts[node] for node in makers.annotations if node in parts)
                _count_annotations(found, own, set(left))
                continue
            made = [(node, parts[node.name]) for node in nodes if node.name in parts]
            causes = known.causes | causes_of(made)
            for video_id in left:
                reason, absent = causes.get(video_id, (UNEXPLAINED, False))
                counted.add(reason, absent=absent)
    return found


def _count_made(found: Outcomes, parts: Iterable[Location]) -> set[str]:
    """Count what the dialogues of a shard hold; the ids of their videos."""
    annotated: set[str] = set()
    for part in parts:
        table = read_table(part, ("video_id", "task", "responses", "is_negative"))
        found.placed.update(_flags(table.column("responses")))
        annotated |= set(_texts(table, "video_id"))
        found.samples.update(_texts(table, "task"))
        found.negatives.update(_texts(table.filter(table.column("is_negative")), "task"))
    return annotated


@dataclass(frozen=True)
class _Makers:
    """Of the videos of one base: the nodes that make their last dialogues, and the annotations that
    those are made of."""

    dialogues: Sequence[str]
    annotations: Sequence[str]

    @classmethod
    def of(cls, plans: Sequence[NodePlan], base: Node) -> _Makers:
        def names(chosen: Sequence[NodePlan]) -> list[str]:
            return [plan.node.name for plan in chosen if base.name in plan.node.bases]

        return cls(names(last_dialogues(plans)), names(final_annotations(plans)))

    def are_done(self, parts: Mapping[str, Location], *, streams: bool) -> bool:
        """Whether all dialogues of a shard are made. ``streams``: there need be none, for its
        videos are clips of those."""
        return all(name in parts for name in self.dialogues) and (bool(self.dialogues) or streams)


@dataclass
class _Clips:
    """What the nodes that make streams say of the rows of the manifest."""

    nodes: int = 0
    open: bool = False
    """Whether one of them has still to run."""
    placed: set[str] = field(default_factory=set)
    """The videos that are clips of streams."""
    causes: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Of others, why they are in none, and whether that is an absence."""

    @classmethod
    def read(cls, plans: Sequence[NodePlan]) -> _Clips:
        found = cls()
        for plan in (plan for plan in plans if plan.node.stage.scope == "streams"):
            found.nodes += 1
            found.open = found.open or bool(plan.missing)
            for part in plan.parts.values():
                clips = pc.list_flatten(read_table(part, ("clips",)).column("clips"))
                found.placed |= set(pc.struct_field(clips, "video_id").to_pylist())
                found.causes = causes_of([(plan.node, part)]) | found.causes
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
