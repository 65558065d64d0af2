"""Counts over the Parquet files of a finished run or a corpus, made before an export.

Of ``turns`` only the leaf ``loss`` is read. ``pyarrow.dataset`` cannot select a leaf below a list:
it needs three times the memory and ten times the time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.corpus.layout import CorpusError
from pipeline.dialogue.state_counts import StateCounts
from pipeline.store.location import Location

_BATCH_ROWS = 4096


@dataclass
class Survey:
    """Counts over Parquet files of dialogues."""

    tasks: set[str] = field(default_factory=set)
    """All tasks in the files."""
    states: StateCounts = field(default_factory=StateCounts)
    """Of the requested tasks, like ``weighed``."""
    weighed: bool = False
    """Some turn has a weight, or repeats a turn of another window."""


def survey(parts: Iterable[Location], tasks: Collection[str] = ()) -> Survey:
    """The counts of these tasks, or of all tasks where none is named.

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
        leaves = (file.schema.column(i).path for i in range(len(file.schema)))
        loss = [path for path in leaves if path.startswith("turns.") and path.endswith(".loss")]
        for batch in file.iter_batches(
            _BATCH_ROWS, columns=[*names, "task", "context_turns", *loss]
        ):
            table = pa.Table.from_batches([batch])
            found.tasks.update(map(str, pc.unique(table.column("task")).to_pylist()))
            if tasks:
                table = table.filter(pc.is_in(table.column("task"), pa.array(sorted(tasks))))
            sums = [pc.sum(table.column(name)).as_py() or 0 for name in names]
            found.states += StateCounts(silence=sums[0], standby=sums[1], response=sums[2])
            losses = pc.struct_field(pc.list_flatten(table.column("turns")), "loss")
            found.weighed |= losses.null_count < len(losses)
            found.weighed |= bool(pc.max(table.column("context_turns")).as_py())
