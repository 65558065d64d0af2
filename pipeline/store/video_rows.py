"""The rows of a shard, video by video, read from the parts of other nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pyarrow as pa

from pipeline.records import Record
from pipeline.records.schema import from_table, schema_of
from pipeline.store.location import Location
from pipeline.store.parts import read_batches, read_table

R = TypeVar("R", bound=Record)


_BATCH_ROWS = 64
"""Of rows with pictures, so many are decoded at a time."""
_PARSED_ROWS = 256
"""Of other rows, so many are parsed at a time: a video has few, and what a column takes beside them
would be most of their time."""


class PartRows(Generic[R]):
    """The rows of a part as one kind; of one with pictures a batch at a time is held.

    The videos of a shard are read in its order, so nothing is read twice.
    """

    def __init__(self, kind: type[R], part: Location) -> None:
        """Reads all of it, unless it has pictures."""
        self._kind, self._part, self._columns = kind, part, list(kind.model_fields)
        self._streams = any(pa.types.is_binary(field.type) for field in schema_of(kind))
        self._last = (0, 0)
        self._parsed: Sequence[R] = ()
        self._first = 0
        self._table = read_table(part, ["video_id"] if self._streams else self._columns)
        self.video_ids: Sequence[Any] = self._table.column("video_id").to_pylist()
        self._rewind()

    def _rewind(self) -> None:
        self._batches: Iterator[pa.RecordBatch] | None = None
        self._batch: pa.RecordBatch | None = None
        self._end = 0

    def __getitem__(self, rows: slice) -> Sequence[R]:
        """The rows from ``start`` to ``stop``. Raises StoreError."""
        if self._streams:
            if self._last != (rows.start, rows.stop):
                self._table = pa.Table.from_batches([*self._read(rows.start, rows.stop)])
                self._last = (rows.start, rows.stop)
            return from_table(self._kind, self._table)
        if not self._first <= rows.start <= rows.stop <= self._first + len(self._parsed):
            many = max(rows.stop - rows.start, _PARSED_ROWS)
            self._parsed = from_table(self._kind, self._table.slice(rows.start, many))
            self._first = rows.start
        return self._parsed[rows.start - self._first : rows.stop - self._first]

    def _read(self, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        if self._batch is not None and start < self._end - self._batch.num_rows:
            self._rewind()
        if self._batches is None:
            self._batches = read_batches(self._part, self._columns, _BATCH_ROWS)
        while True:
            if self._batch is not None and self._end > start:
                first = self._end - self._batch.num_rows
                begin = max(start, first) - first
                yield self._batch.slice(begin, min(stop, self._end) - first - begin)
            if self._end >= stop:
                return
            self._batch = next(self._batches)
            self._end += self._batch.num_rows


@dataclass(frozen=True)
class Slice:
    """Rows ``[start, stop)`` of a part."""

    part: PartRows[Any]
    start: int
    stop: int


@dataclass(frozen=True)
class StoredVideoRows:
    """The rows of one video, parsed into records on access."""

    video_id: str
    slices: Mapping[type[Record], Sequence[Slice]]

    def __getitem__(self, kind: type[R]) -> Sequence[R]:
        """Raises KeyError for a kind that the stage does not read."""
        return [row for part in self.slices[kind] for row in part.part[part.start : part.stop]]


def read_videos(
    reads: Sequence[type[Record]], parts: Mapping[type[Record], Sequence[Location]]
) -> Iterator[StoredVideoRows]:
    """The videos of one shard that have rows of the first kind, in the order of the manifest.

    ``parts[kind]`` are the parts of the nodes that write the kind; a video's rows of one kind
    come in that order.
    """
    found: dict[type[Record], dict[str, list[Slice]]] = {}
    orders: list[list[str]] = []
    for kind in reads:
        by_video = found.setdefault(kind, {})
        for part in parts[kind]:
            rows = PartRows(kind, part)
            runs = list(_runs(rows.video_ids))
            orders.append([video_id for video_id, _, _ in runs])
            for video_id, start, stop in runs:
                by_video.setdefault(video_id, []).append(Slice(rows, start, stop))
    # Each part has the order of the manifest; the part with most videos has most of that order.
    orders.sort(key=len, reverse=True)
    for video_id in dict.fromkeys(video_id for order in orders for video_id in order):
        if video_id in found[reads[0]]:
            yield StoredVideoRows(
                video_id, {kind: by_video.get(video_id, ()) for kind, by_video in found.items()}
            )


def _runs(values: Sequence[Any]) -> Iterator[tuple[str, int, int]]:
    start = 0
    for i in range(1, len(values) + 1):
        if i == len(values) or values[i] != values[start]:
            yield values[start], start, i
            start = i
