"""What the parts of a finished run, or the files of a corpus, hold: for who exports it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.corpus.layout import CorpusError, VideoSample
from pipeline.insight.results import last_dialogues
from pipeline.location import Location
from pipeline.plan import NodePlan
from pipeline.records import Dialogue, FramedSegment, Record
from pipeline.rows import read_videos
from pipeline.states import StateCounts
from pipeline.suggest import ConfigError


def dialogue_parts(plans: Sequence[NodePlan]) -> Sequence[Location]:
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
        parts: dict[type[Record], list[Location]] = {
            kind: [p.tasks[shard].part for p in chosen if p.node.stage.writes is kind]
            for kind in kinds
        }
        for rows in read_videos(kinds, parts):
            yield VideoSample(rows[Dialogue], rows[FramedSegment] if frames else ())


@dataclass
class Survey:
    """What Parquet files of dialogues hold."""

    tasks: set[str] = field(default_factory=set)
    """All of them."""
    states: StateCounts = field(default_factory=StateCounts)
    """Of the tasks that were asked for, like what follows."""
    weighed: bool = False
    """A turn has a weight, or repeats one of another window."""


def survey(parts: Iterable[Location], tasks: Collection[str] = ()) -> Survey:
    """What files hold of these tasks, or of all where none is named.

    Raises:
        CorpusError: ``unreadable``, naming the file.
    """
    found = Survey()
    for part in parts:
        try:
            _add_file(found, part, tasks)
        except (OSError, KeyError, pa.ArrowException) as error:
            raise CorpusError("unreadable", f"{part}: {error}") from error
    return found


def _add_file(found: Survey, part: Location, tasks: Collection[str]) -> None:
    names = ["n_silence", "n_standby", "n_response"]
    with part.open() as stream, pq.ParquetFile(stream) as file:
        for batch in file.iter_batches(256, columns=[*names, "task", "context_turns", "turns"]):
            table = pa.Table.from_batches([batch])
            found.tasks.update(map(str, pc.unique(table.column("task")).to_pylist()))
            if tasks:
                table = table.filter(pc.is_in(table.column("task"), pa.array(sorted(tasks))))
            sums = [pc.sum(table.column(name)).as_py() or 0 for name in names]
            found.states += StateCounts(silence=sums[0], standby=sums[1], response=sums[2])
            loss = pc.struct_field(pc.list_flatten(table.column("turns")), "loss")
            found.weighed |= loss.null_count < len(loss)
            found.weighed |= bool(pc.max(table.column("context_turns")).as_py())
