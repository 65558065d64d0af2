"""What the parts of a finished run hold, for who exports it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.corpus.layout import VideoSample
from pipeline.insight.results import last_dialogues
from pipeline.plan import NodePlan
from pipeline.records import Dialogue, FramedSegment, Record
from pipeline.rows import read_videos
from pipeline.suggest import ConfigError


def dialogue_parts(plans: Sequence[NodePlan]) -> Sequence[Path]:
    """The parts with the dialogues of a run.

    Raises:
        ConfigError: some are not made yet.
    """
    chosen = last_dialogues(plans)
    missing = sum(len(plan.missing) for plan in chosen)
    if missing or not chosen:
        raise ConfigError(f"the run is not finished: {missing} shards of dialogues are to be made")
    return [task.part for plan in chosen for task in plan.tasks]


def run_samples(plans: Sequence[NodePlan], *, frames: bool) -> Iterator[VideoSample]:
    """The videos of a run that have dialogues, shard after shard; one is held at a time."""
    kinds: list[type[Record]] = [Dialogue, FramedSegment] if frames else [Dialogue]
    chosen = last_dialogues(plans)
    if frames:
        chosen = [*chosen, *(plan for plan in plans if plan.node.stage.writes is FramedSegment)]
    for shard in range(max(len(plan.tasks) for plan in chosen)):
        parts: dict[type[Record], list[Path]] = {
            kind: [p.tasks[shard].part for p in chosen if p.node.stage.writes is kind]
            for kind in kinds
        }
        for rows in read_videos(kinds, parts):
            yield VideoSample(rows[Dialogue], rows[FramedSegment] if frames else ())
