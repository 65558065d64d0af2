"""A run on what is kept of it: replies answer the asks of its stages, and no model is asked."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from pipeline.engines.base import Ask, Engine, EngineConfig, Reply, Sampling
from pipeline.errors import ConfigError
from pipeline.execution.journal import Entry, newest
from pipeline.execution.journaled_engine import CountedEngine, ask_digest
from pipeline.execution.stored_replies import stored_entries
from pipeline.execution.worker import make_part
from pipeline.media.base import Media
from pipeline.records import ModelReply
from pipeline.store.location import Location
from pipeline.store.part_names import recipe_folder, replies_path
from pipeline.store.parts import StoreError
from pipeline.store.video_rows import read_videos
from pipeline.workflow.inputs import slot_for
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.stage import Context
from pipeline.workflow.task import Key

_REPLIES = re.compile(r"replies-(\d{5,})-.*\.parquet")


@dataclass(frozen=True)
class ReplayedAsk:
    """An ask as the stage's own code makes it today, and what is kept of the answer to that very
    ask: its digest is the one that was stored. None where nothing is."""

    ask: Ask
    entry: Entry | None


class ReplayingEngine(CountedEngine):
    """Answers with what is kept, and asks nobody.

    An ask to which nothing is kept has the error ``not_asked``. ``asked`` has all asks in order.
    """

    def __init__(self, config: EngineConfig, kept: Mapping[str, Entry]) -> None:
        """``kept``: entries by the digest of their ask."""
        super().__init__(config, _nobody)
        self.asked: list[ReplayedAsk] = []
        self._kept = kept

    @property
    def version(self) -> str:
        """None: each reply has its own."""
        return ""

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``."""
        for i, ask in enumerate(asks):
            entry = self._kept.get(ask_digest(ask, sampling))
            self.asked.append(ReplayedAsk(ask, entry))
            self.asks += 1
            if entry is None:
                no_reply = Reply(ask.request_id, error="not_asked", detail="no reply is kept")
                yield i, [no_reply] * sampling.samples
                continue
            replies = [replace(each, request_id=ask.request_id) for each in entry.replies]
            self.replies += [
                ModelReply(
                    sample=sample,
                    **asdict(reply),
                    ask=entry.ask,
                    attempts=entry.attempts,
                    first_at=entry.first_at,
                    last_at=entry.last_at,
                )
                for sample, reply in enumerate(replies)
            ]
            yield i, replies


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
    parts: dict[Key, Location] = {}
    found, asks = list[NodePlan](), Counter[str]()
    for plan in plans:
        node = plan.node
        if not node.stage.by_shard and _writes_files(plan):
            continue
        parts |= {(node.name, shard): part for shard, part in plan.parts.items()}
        if plan.missing and node.stage.scope == "source":
            raise ConfigError(f"the run is not finished: {node.name} is to be made")
        folder = recipe_folder(below, node.name, node.recipe_digest)
        replies = _files_of_replies(plan) if plan.missing else {}
        slots, own = dict(plan.slots), dict(plan.parts)
        for task in plan.missing:
            slot = slot_for(replace(task, folder=folder), parts)
            assert slot is not None, "nodes come after those that they read"
            part = plan.listing.part(slot)
            if part is None:
                engine = (
                    ReplayingEngine(node.engine, kept_entries(replies.get(task.shard, ())))
                    if node.engine
                    else None
                )
                part, _ = make_part(task.ready(parts, slot), engine, media)
                asks[node.name] += sum(each.entry is None for each in engine.asked) if engine else 0
            slots[task.shard], own[task.shard] = slot, part
            parts[task.key] = part
        found.append(replace(plan, slots=slots, parts=own, cause=""))
    return ReplayedRun(found, {name: number for name, number in asks.items() if number})


def _writes_files(plan: NodePlan) -> bool:
    """Whether a node of several shards makes files of a corpus."""
    return any(name in plan.node.stage.writes.model_fields for name in ("files", "path"))


def _files_of_replies(plan: NodePlan) -> Mapping[int, Sequence[Location]]:
    """By shard, the files of replies to the node under all its recipes with the same engine."""
    found: dict[int, list[Location]] = {}
    above = plan.listing.folder.parent
    for name in sorted(above.folders()):
        folder = above / name
        if _engine_of(folder) != plan.node.recipe["engine"]:
            continue
        for file in folder.sizes():
            if named := _REPLIES.fullmatch(file):
                found.setdefault(int(named[1]), []).append(folder / file)
    return found


def _engine_of(folder: Location) -> object:
    try:
        return json.loads((folder / "recipe.json").read_bytes())["engine"]
    except (FileNotFoundError, ValueError, KeyError):
        return None


def kept_entries(files: Iterable[Location]) -> dict[str, Entry]:
    """The entries of files of replies by ask, as they stand; a file that is gone has none."""
    found: list[Entry] = []
    for file in files:
        try:
            found += stored_entries(file, ())
        except StoreError:
            continue
    return newest(found)


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
    engine = ReplayingEngine(node.engine, kept_entries([replies_path(part)]))
    task = plan.tasks[shard].ready(parts, plan.slots[shard])
    (inputs,) = task.inputs
    of_kind = {k: [p for name, p in inputs if name == k.__name__] for k in node.stage.reads}
    videos = (rows for rows in read_videos(node.stage.reads, of_kind) if rows.video_id == video_id)
    context = Context(engine=engine, prompts=node.prompts)
    for _ in node.stage.run(videos, node.config, context):
        pass
    return engine.asked
