"""A stage on what is kept of a run: replies answer its asks, and no model is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.engines.base import Ask, EngineConfig, Reply, Sampling
from pipeline.execution.journal import Entry, newest
from pipeline.execution.journaled_engine import ask_digest
from pipeline.execution.stored_replies import stored_entries
from pipeline.records import ModelReply
from pipeline.store.location import Location
from pipeline.store.part_names import replies_path
from pipeline.store.parts import StoreError
from pipeline.store.video_rows import read_videos
from pipeline.workflow.plan import NodePlan
from pipeline.workflow.stage import Context
from pipeline.workflow.task import Key


@dataclass(frozen=True)
class ReplayedAsk:
    """An ask as the stage's own code makes it today, and what is kept of the answer to that very
    ask: its digest is the one that was stored. None where nothing is."""

    ask: Ask
    entry: Entry | None


class ReplayingEngine:
    """A ``NodeEngine`` that answers with what is kept, and asks nobody.

    An ask to which nothing is kept has the error ``not_asked``. ``asked`` has all asks in order,
    and ``replies`` what was kept, as an engine of a run has it.
    """

    def __init__(self, config: EngineConfig, kept: Mapping[str, Entry]) -> None:
        """``kept``: entries by the digest of their ask."""
        self.kind: str = config.kind
        self.model: str = config.model
        self.revision: str = config.revision
        self.timed_frames = config.timed_frames
        self.version = ""
        self.asked: list[ReplayedAsk] = []
        self._kept = kept

    @property
    def asks(self) -> int:
        """How many there were."""
        return len(self.asked)

    @property
    def replies(self) -> list[ModelReply]:
        """What a part of these asks would keep."""
        return []

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``."""
        for i, ask in enumerate(asks):
            entry = self._kept.get(ask_digest(ask, sampling))
            self.asked.append(ReplayedAsk(ask, entry))
            if entry is None:
                no_reply = Reply(ask.request_id, error="not_asked", detail="no reply is kept")
                yield i, [no_reply] * sampling.samples
            else:
                yield i, [replace(each, request_id=ask.request_id) for each in entry.replies]


def kept_entries(files: Sequence[Location]) -> dict[str, Entry]:
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
