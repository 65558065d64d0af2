"""What a threshold of agreement keeps, by one rule for all who count it. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

NOT_FOUND = -1.0
"""In place of the IoU of an event that was not found again: no threshold keeps it."""


@dataclass(frozen=True)
class KeptAt:
    """How many events each threshold keeps.

    ``bounds`` are sorted: the IoU up to which an event is kept, one an event. Under the policy
    ``video`` it is the least IoU of the events of its video and family.
    """

    bounds: tuple[float, ...]

    def __call__(self, min_iou: float) -> int:
        """How many events have a bound of at least ``min_iou``, which is in [0, 1]."""
        return len(self.bounds) - bisect_left(self.bounds, min_iou)


def kept_at(rows: Iterable[Mapping[str, Any]], policy: Literal["video", "event"]) -> KeptAt:
    """By the columns ``video_id``, ``family``, ``iou`` and ``grounded_start_s`` of VerifiedEvent.

    The rows are all those of one node; with ``policy`` they are kept as the stage ``agree`` does.
    """
    by_video: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        bound = NOT_FOUND if row["grounded_start_s"] is None else float(row["iou"])
        by_video.setdefault((row["video_id"], row["family"]), []).append(bound)
    return KeptAt(tuple(sorted(_bounds(by_video.values(), policy))))


def _bounds(
    videos: Iterable[Sequence[float]], policy: Literal["video", "event"]
) -> Iterable[float]:
    for ious in videos:
        yield from ious if policy == "event" else [min(ious)] * len(ious)
