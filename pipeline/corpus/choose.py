"""A few dialogues of many, chosen by hash: the same each time, and no more are held."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from pipeline.corpus.layout import CorpusError
from pipeline.errors import ConfigError
from pipeline.records import Dialogue
from pipeline.records.hash_sampling import hash_rank
from pipeline.records.schema import from_table
from pipeline.store.location import Location

_BATCH_ROWS = 256
_NAMED = 5
"""At most so many videos are named where one is not found."""


class _Place(NamedTuple):
    """A row of a file, in the order in which rows are chosen."""

    rank: str
    file: int
    row_group: int
    row: int


@dataclass
class _Seen:
    """What there is, to name it where the wanted is not there."""

    tasks: set[str] = field(default_factory=set)
    of_video: set[str] = field(default_factory=set)
    """The tasks of the wanted video."""
    alike: set[str] = field(default_factory=set)
    """Some videos whose name holds the wanted one."""
    others: set[str] = field(default_factory=set)
    """Some other videos."""
    matching: int = 0

    def add(self, task: str, video: str, wanted: str) -> None:
        self.tasks.add(task)
        if video == wanted:
            self.of_video.add(task)
        elif wanted:
            some = self.alike if wanted in video else self.others
            if len(some) < _NAMED:
                some.add(video)


def choose_dialogues(
    files: Sequence[Location], number: int, *, task: str = "", video: str = "", seed: int = 0
) -> tuple[list[Dialogue], int]:
    """So many dialogues of a task and a video (of all where empty), and among how many.

    Raises:
        ConfigError: there is no such task or video; the message names what is there.
        CorpusError: ``unreadable``, naming the file.
    """
    seen = _Seen()
    chosen = heapq.nsmallest(number, _matching(files, task, video, seed, seen))
    if task and task not in seen.tasks:
        raise ConfigError(f"--task: there is no {task!r}; there are {_listed(seen.tasks)}")
    if video and not seen.of_video:
        hint = f"for example {_listed(seen.others)}"
        if seen.alike:
            hint = f"did you mean {_listed(seen.alike)}?"
        raise ConfigError(f"--video: there is no {video!r}; {hint}")
    if task and video and not chosen:
        there = _listed(seen.of_video)
        raise ConfigError(f"--video: {video!r} has no dialogue of {task!r}; it has {there}")
    return [_read(files[place.file], place) for place in chosen], seen.matching


def _matching(
    files: Sequence[Location], task: str, video: str, seed: int, seen: _Seen
) -> Iterator[_Place]:
    """The places of the wanted dialogues. Reads three columns, one row group at a time."""
    columns = ["sample_id", "task", "video_id"]
    for number, file in enumerate(files):
        with _opened(file) as opened:
            for group in range(opened.num_row_groups):
                table = opened.read_row_group(group, columns=columns)
                names = (table.column(name).to_pylist() for name in columns)
                for row, (sample_id, its_task, its_video) in enumerate(zip(*names, strict=True)):
                    seen.add(its_task, its_video, video)
                    if task in ("", its_task) and video in ("", its_video):
                        seen.matching += 1
                        yield _Place(hash_rank(sample_id, seed), number, group, row)


def _read(file: Location, place: _Place) -> Dialogue:
    with _opened(file) as opened:
        row = place.row
        for batch in opened.iter_batches(_BATCH_ROWS, row_groups=[place.row_group]):
            if row < len(batch):
                (dialogue,) = from_table(Dialogue, pa.Table.from_batches([batch.slice(row, 1)]))
                return dialogue
            row -= len(batch)
    raise CorpusError("unreadable", f"{file} ends too early")


@contextmanager
def _opened(file: Location) -> Iterator[pq.ParquetFile]:
    try:
        with file.open() as stream, pq.ParquetFile(stream) as opened:
            yield opened
    except (OSError, KeyError, pa.ArrowException, ValidationError) as error:
        raise CorpusError("unreadable", f"{file}: {error}") from error


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, sorted(names))) or "nothing"
