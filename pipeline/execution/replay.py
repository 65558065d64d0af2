"""A run on what is kept of it: replies answer the asks of its stages, and no model is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.engines.base import Ask, Engine, EngineConfig, Reply, Sampling
from pipeline.errors import ConfigError
from pipeline.execution.ask_digest import ask_digest, entry_under, kept_of
from pipeline.execution.journal import Entry
from pipeline.execution.journaled_engine import (
    CountedEngine,
    answered_before,
    answering,
    model_replies,
)
from pipeline.execution.stored_replies import stored_digests, stored_entries
from pipeline.execution.worker import make_part
from pipeline.media.base import Media
from pipeline.store.location import Location
from pipeline.store.part_names import recipe_folder, replies_path, slot_of
from pipeline.store.parts import StoreError
from pipeline.store.video_rows import read_videos
from pipeline.workflow.inputs import PartsMade
from pipeline.workflow.plan import NodePlan, parts_made
from pipeline.workflow.stage import Context
from pipeline.workflow.task import Key, PlannedTask, ShardResult, ShardTask


@dataclass(frozen=True)
class ReplayedAsk:
    """An ask as the stage's own code makes it today, and what is kept of the answer to that very
    ask: its digest is the one that was stored. None where nothing is."""

    ask: Ask
    entry: Entry | None


Known = Callable[[Mapping[str, Ask], Sampling], Mapping[str, Entry]]
"""What is kept of asks; both are by digest."""


class ReplayingEngine(CountedEngine):
    """Answers with what is kept as it stands, and asks nobody.

    An ask to which nothing is kept has the error ``not_asked``. ``asked`` has all asks in order,
    ``new`` the digests of those to which nothing is kept.
    """

    def __init__(self, config: EngineConfig, known: Known) -> None:
        """What is kept is looked for at each round of asks."""
        super().__init__(config, _nobody)
        self.asked: list[ReplayedAsk] = []
        self.new: set[str] = set()
        self._known = known

    @property
    def version(self) -> str:
        """None: each reply has its own."""
        return ""

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``."""
        keys = [ask_digest(ask, sampling) for ask in asks]
        known = self._known(dict(zip(keys, asks, strict=True)), sampling)
        self.asks += len(asks)
        for i, (key, ask) in enumerate(zip(keys, asks, strict=True)):
            entry = answering(ask, known[key]) if key in known else None
            self.asked.append(ReplayedAsk(ask, entry))
            if entry is None:
                self.new.add(key)
                no_reply = Reply(ask.request_id, error="not_asked", detail="no reply is kept")
                yield i, [no_reply] * sampling.samples
            else:
                self.replies += model_replies(entry)
                yield i, entry.replies


def _nobody() -> Engine:
    raise TypeError("what is replayed asks no engine")


@dataclass(frozen=True)
class ReplayedRun:
    """A run as far as what is kept leads."""

    plans: Sequence[NodePlan]
    """Those of all nodes but such as write files, with their parts."""
    asks: Mapping[str, int]
    """By node, the asks to which no reply is kept. What their answers would lead to is not known,
    so there may be more behind them."""


def replay_run(plans: Sequence[NodePlan], below: Location, media: Media) -> ReplayedRun:
    """Makes what is missing of a run from what is kept; its parts go ``below`` that place.

    What is there already is used as it is. Stages run in this process, one shard after the other.

    Raises:
        ConfigError: the manifest was not read yet.
    """
    made = parts_made(plans)
    found, asks = list[NodePlan](), Counter[str]()
    for plan in plans:
        node = plan.node
        if not node.stage.by_shard and _writes_files(plan):
            continue
        if plan.missing and node.stage.scope == "source":
            raise ConfigError(f"the run is not finished: {node.name} is to be made")
        slots, parts = dict(plan.slots), dict(plan.parts)
        for task in plan.missing:
            there, engine = replay_task(task, made, below, media)
            asks[node.name] += len(engine.new) if engine else 0
            for shard, part in zip(task.made, there, strict=True):
                parts[shard], slots[shard] = part, slot_of(part)
        found.append(replace(plan, slots=slots, parts=parts, cause=""))
    return ReplayedRun(found, {name: number for name, number in asks.items() if number})


def replay_task(
    task: PlannedTask, made: PartsMade, below: Location, media: Media | None
) -> tuple[Sequence[Location], ReplayingEngine | None]:
    """The parts of a task whose inputs exist, which ``made`` then has, and what was asked for them:
    None where nothing is asked, or they were there already."""
    ready = made.resolve(task)
    if isinstance(ready, ShardResult):
        return [part for _, part in ready.parts], None
    folder = recipe_folder(below, task.node, task.folder.name)
    engine = _replaying(ready)
    parts, _ = make_part(replace(ready, slot=folder / ready.slot.name), engine, media)
    for shard, part in zip(task.made, parts, strict=True):
        made.add((task.node, shard), part)
    return parts, engine


def _replaying(task: ShardTask) -> ReplayingEngine | None:
    """What answers a task; None where it asks nothing. What a run would ask again counts as not
    answered."""
    if task.engine is None:
        return None

    def known(asks: Mapping[str, Ask], sampling: Sampling) -> Mapping[str, Entry]:
        found = answered_before(asks, sampling, task.replied, task.slot)
        return {key: each.entry for key, each in found.items() if not each.entry.again}

    return ReplayingEngine(task.engine, known)


def _writes_files(plan: NodePlan) -> bool:
    """Whether a node of several shards makes files of a corpus."""
    return any(name in plan.node.stage.writes.model_fields for name in ("files", "path"))


def asks_of_video(
    plan: NodePlan, shard: int, video_id: str, parts: Mapping[Key, Location]
) -> Sequence[ReplayedAsk]:
    """What a node that asks a model asked about one video, made anew by its stage from the rows
    that its part was made of, in the order of its rounds.

    Rounds behind an ask to which no reply is kept are not reached.

    Raises:
        StoreError: a part that it reads cannot be read.
    """
    node, part = plan.node, plan.parts[shard]
    if node.engine is None:
        return ()
    replies = replies_path(part)

    def known(asks: Mapping[str, Ask], sampling: Sampling) -> Mapping[str, Entry]:
        return kept_of(
            *(asks, sampling),
            lambda wanted: _entries(replies, wanted),
            lambda: stored_digests(replies),
            entry_under,
        )

    engine = ReplayingEngine(node.engine, known)
    task = plan.tasks[shard].ready(parts, plan.slots[shard])
    (inputs,) = task.inputs
    of_kind = {k: [p for name, p in inputs if name == k.__name__] for k in node.stage.reads}
    videos = (rows for rows in read_videos(node.stage.reads, of_kind) if rows.video_id == video_id)
    context = Context(engine=engine, prompts=node.prompts)
    for _ in node.stage.run(videos, node.config, context):
        pass
    return engine.asked


def _entries(file: Location, asks: Mapping[str, Ask]) -> Mapping[str, Entry]:
    """Those of a file of replies; one that is gone has none."""
    try:
        return {entry.ask: entry for entry in stored_entries(file, (), asks=asks.keys())}
    except StoreError:
        return {}
