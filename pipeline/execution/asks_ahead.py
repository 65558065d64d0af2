"""How much of what a run would ask has no reply yet: its stages run on what exists, and no model.

Replies of before stand in for the engine, and what the stages write goes to a folder of its own.
So the asks below a node are known too, as long as all of its own have replies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from pipeline.engines.base import Ask, Engine, EngineConfig, EngineError, Reply, Sampling
from pipeline.execution.journaled_engine import (
    CountedEngine,
    answered_before,
    answering,
    ask_digest,
)
from pipeline.execution.worker import make_part
from pipeline.records import Segment, Video
from pipeline.store.location import Location
from pipeline.store.part_names import recipe_folder
from pipeline.workflow.inputs import PartsMade
from pipeline.workflow.plan import NodePlan, parts_made
from pipeline.workflow.replied import AsksAhead
from pipeline.workflow.task import Key, PlannedTask, ShardResult, ShardTask


class RepliesAlone(CountedEngine):
    """Has the replies of before; ``new`` are the digests of the asks without one, which fail."""

    def __init__(self, config: EngineConfig, task: ShardTask) -> None:
        """Those that count for a task."""
        super().__init__(config, _no_engine)
        self.new: set[str] = set()
        self._task = task

    @property
    def version(self) -> str:
        """Of no engine."""
        return ""

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``. The error of what has no reply is ``not_asked``."""
        keys = [ask_digest(ask, sampling) for ask in asks]
        by_key = dict(zip(keys, asks, strict=True))
        known = answered_before(by_key, self._task.replied, self._task.slot)
        self.asks += len(asks)
        for i, (key, ask) in enumerate(zip(keys, asks, strict=True)):
            if key in known and not known[key].again:
                yield i, answering(ask, known[key]).replies
            else:
                self.new.add(key)
                yield i, [Reply(ask.request_id, error="not_asked")] * sampling.samples


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
            engine = _tried(task, made, aside)
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


def _tried(task: PlannedTask, made: PartsMade, aside: Location) -> RepliesAlone | None:
    """What was asked to make a part; None where nothing is."""
    ready = made.resolve(task)
    if isinstance(ready, ShardResult):
        return None
    engine = RepliesAlone(ready.engine, ready) if ready.engine else None
    folder = recipe_folder(aside, task.node, task.folder.name)
    part, _ = make_part(replace(ready, slot=folder / ready.slot.name), engine, None)
    made.add(task.key, part)
    return engine


def _above_asks(plans: Sequence[NodePlan]) -> Collection[str]:
    """The nodes that ask a model, and those that they read, directly or not."""
    found: set[str] = set()
    for plan in reversed(plans):
        if plan.node.engine is not None or plan.node.name in found:
            found |= {plan.node.name, *(other.name for other in plan.node.after)}
    return found


def _no_engine() -> Engine:
    raise EngineError("nothing is asked")
