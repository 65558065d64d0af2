"""The annotations and dialogues that a run left, read from its parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from pipeline.plan import NodePlan
from pipeline.records import Annotation, Dialogue, Record
from pipeline.schema import from_table
from pipeline.store import read_table

R = TypeVar("R", bound=Record)


def read_dialogues(plans: Sequence[NodePlan]) -> Iterator[Dialogue]:
    """Every dialogue, shard after shard."""
    return _read(plans, Dialogue, {p.node.name for p in plans})


def read_annotations(plans: Sequence[NodePlan]) -> Iterator[Annotation]:
    """Every annotation that a dialogue was made from: of the nodes that a dialogue node reads."""
    final = {
        other.name
        for plan in plans
        if plan.node.stage.writes is Dialogue
        for other in plan.node.after
    }
    return _read(plans, Annotation, final)


def _read(plans: Sequence[NodePlan], kind: type[R], nodes: set[str]) -> Iterator[R]:
    for plan in plans:
        if plan.node.name in nodes and plan.node.stage.writes is kind:
            for task in plan.tasks:
                if task.part.exists():
                    yield from from_table(kind, read_table(task.part, kind.model_fields))
