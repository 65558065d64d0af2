"""How much of what a run would ask has no reply yet: its stages run on what exists, and no model.

Replies of before stand in for the engine, and what the stages write goes to a folder of its own.
So the asks below a node are known too, as long as all of its own have replies.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pipeline.execution.replay import replay_task
from pipeline.records import Segment, Video
from pipeline.store.location import Location
from pipeline.workflow.plan import NodePlan, parts_made
from pipeline.workflow.replied import AsksAhead
from pipeline.workflow.task import Key


def asks_ahead(plans: Sequence[NodePlan], aside: Location) -> Mapping[str, AsksAhead]:
    """The asks of the missing parts of each node that asks a model.

    ``aside`` is an empty folder, which is filled. Videos are not read: below frames that do not
    exist nothing is known.

    Raises:
        StoreError: a part cannot be read.
    """
    made, wanted = parts_made(plans), _above_asks(plans)
    unknown: set[Key] = set()
    partly: set[Key] = set()
    found: dict[str, AsksAhead] = {}
    for plan in plans:
        ahead = AsksAhead()
        for task in plan.missing:
            needed = set(task.needed)
            reads_files = issubclass(plan.node.stage.writes, (Video, Segment))
            if plan.node.name not in wanted or reads_files or needed & unknown:
                unknown.add(task.key)
                ahead = replace(ahead, more=True)
                continue
            _, engine = replay_task(task, made, aside, None)
            if needed & partly or (engine and engine.new):
                partly.add(task.key)
            ahead = AsksAhead(
                ahead.asks + (engine.asks if engine else 0),
                ahead.new + (len(engine.new) if engine else 0),
                ahead.more or bool(needed & partly),
            )
        if plan.node.engine is not None:
            found[plan.node.name] = ahead
    return found


def _above_asks(plans: Sequence[NodePlan]) -> Collection[str]:
    """The nodes that ask a model, and those that they read, directly or not."""
    found: set[str] = set()
    for plan in reversed(plans):
        if plan.node.engine is not None or plan.node.name in found:
            found |= {plan.node.name, *(other.name for other in plan.node.after)}
    return found
