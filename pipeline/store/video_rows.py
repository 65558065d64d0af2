"""The rows of a shard, video by video, read from the parts of other nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa

from pipeline.records import Record
from pipeline.records.schema import from_table
from pipeline.store.location import Location
from pipeline.store.parts import read_table

R = TypeVar("R", bound=Record)


@dataclass(frozen=True)
class Slice:
    """Rows ``[start, stop)`` of a table."""

    table: pa.Table
    start: int
    stop: int


@dataclass(frozen=True)
class StoredVideoRows:
    """The rows of one video, parsed into records on access."""

    video_id: str
    slices: Mapping[type[Record], Sequence[Slice]]

    def __getitem__(self, kind: type[R]) -> Sequence[R]:
        """Raises KeyError for a kind that the stage does not read."""
        return [
            row
            for part in self.slices[kind]
            for row in from_table(kind, part.table.slice(part.start, part.stop - part.start))
        ]


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
            table = read_table(part, kind.model_fields)
            runs = list(_runs(table.column("video_id").to_pylist()))
            orders.append([video_id for video_id, _, _ in runs])
            for video_id, start, stop in runs:
                by_video.setdefault(video_id, []).append(Slice(table, start, stop))
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
