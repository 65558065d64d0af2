"""The rows behind a sample, joined by their ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.records import (
    Annotation,
    Dialogue,
    Provenance,
    Record,
    Segment,
    TaskMixture,
    Video,
)
from pipeline.records.schema import from_table
from pipeline.store.location import Location
from pipeline.store.parts import read_table
from pipeline.workflow.plan import NodePlan

_NO_STEP = (Segment, Video, TaskMixture)
"""Kinds of rows that tell nothing of one sample."""
IDS = ("annotation_id", "event_id", "sample_id")
"""Fields with the id of a row."""


@dataclass(frozen=True)
class Place:
    """A row of a file, whose path is below the root of the run."""

    file: str
    row: int


def place_of(part: Location, row: int) -> Place:
    """The place of a row of a part."""
    folder = part.parent
    return Place(f"parts/{folder.parent.name}/{folder.name}/{part.name}", row)


class RowsBehind:
    """The rows behind a sample, by node: those with its ids, those that they name, and so on.

    Ids are of one row in all videos, for a negative may be made of another video's event. A row
    without an id is known by its video and its call.
    """

    def __init__(self, dialogue: Dialogue, shard: int) -> None:
        """What the sample itself names; ``shard`` is that of its video."""
        self._video, self._shard = dialogue.video_id, shard
        self._annotations = frozenset(dialogue.annotation_ids)
        self._wanted = {dialogue.sample_id, *dialogue.annotation_ids, *dialogue.parent_ids}
        self._calls = {call.request_id for call in dialogue.provenance}
        self._asked = set[str]()
        """Texts of questions: a candidate became the negative that asks in its words."""
        self._tables: dict[str, pa.Table] = {}

    def has(self, plan: NodePlan) -> bool:
        """Whether a node made an annotation of the sample."""
        table = self._table(plan)
        if table is None:
            return False
        return not self._annotations.isdisjoint(table.column("annotation_id").to_pylist())

    def take(self, plans: Sequence[NodePlan]) -> Mapping[str, Sequence[tuple[Place, Record]]]:
        """Those of each node."""
        while True:
            known = len(self._wanted) + len(self._asked)
            found = {plan.node.name: list(self._of(plan)) for plan in plans}
            if len(self._wanted) + len(self._asked) == known:
                return found

    def _of(self, plan: NodePlan) -> Iterator[tuple[Place, Record]]:
        table = self._table(plan)
        if table is None:
            return
        kind, part = plan.node.stage.writes, plan.parts[self._shard]
        for number in sorted({*self._places(table)}):
            (row,) = from_table(kind, table.slice(number, 1))
            calls = {call.request_id for call in calls_of(row)}
            if not any(name in table.column_names for name in IDS) and calls.isdisjoint(
                self._calls | self._wanted
            ):
                continue
            self._wanted |= {getattr(row, name) for name in IDS if hasattr(row, name)}
            self._wanted |= {*getattr(row, "parent_ids", ()), getattr(row, "parent_id", "")}
            self._wanted.discard("")
            if isinstance(row, Annotation):
                self._asked |= {question.text for question in row.questions}
            yield place_of(part, number), row

    def _places(self, table: pa.Table) -> Iterator[int]:
        """The rows that may be among them."""
        wanted = pa.array(sorted(self._wanted), pa.string())
        ids = [name for name in IDS if name in table.column_names]
        for name in ids:
            yield from _where(pc.is_in(table.column(name), value_set=wanted))
        if {"parent_id", "caption"} <= {*table.column_names}:
            asked = pa.array(sorted(self._asked), pa.string())
            named = pc.is_in(table.column("parent_id"), value_set=wanted)
            yield from _where(pc.and_(named, pc.is_in(table.column("caption"), value_set=asked)))
        if not ids:
            yield from _where(pc.equal(table.column("video_id"), pa.scalar(self._video)))

    def _table(self, plan: NodePlan) -> pa.Table | None:
        kind, part = plan.node.stage.writes, plan.parts.get(self._shard)
        if part is None or issubclass(kind, _NO_STEP) or not plan.node.stage.by_shard:
            return None
        if plan.node.name not in self._tables:
            self._tables[plan.node.name] = read_table(part, kind.model_fields)
        return self._tables[plan.node.name]


def _where(mask: Any) -> list[Any]:
    found: list[Any] = pc.indices_nonzero(mask).to_pylist()
    return found


def calls_of(row: Record) -> Iterator[Provenance]:
    """The model calls that a row names."""
    for _, value in row:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, Provenance):
                yield each
