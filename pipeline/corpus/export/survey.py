"""What the parts of a finished run, or the files of a corpus, hold: for who exports it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.corpus.layout import CorpusError
from pipeline.dialogue.state_counts import StateCounts
from pipeline.store.location import Location


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
