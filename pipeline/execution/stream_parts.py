"""Writes the parts of new shards, of a stage that makes streams of the clips of all shards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.engines.configured import ContractError
from pipeline.records import Record, Reject, Video
from pipeline.store.location import Location
from pipeline.store.part_names import slot_path
from pipeline.store.parts import write_part
from pipeline.workflow.stage import Stage
from pipeline.workflow.task import ShardTask

_NAMED = 5
"""Of many ids in a message."""


class StreamParts:
    """The parts of one task, written one after the other: the rows of one shard are held at a time.

    The last is written when it is known that every clip that entered is in one stream or has a
    reject, so that none of them counts before.
    """

    def __init__(self, task: ShardTask, stage: Stage[Any], clips_per_shard: int) -> None:
        """A shard is full with ``clips_per_shard`` clips."""
        self._task, self._stage, self._full = task, stage, clips_per_shard
        self._accepted: list[Record] = []
        self._rejects: list[Reject] = []
        self._clips = 0
        self._placed: set[str] = set()
        self._refused: set[str] = set()
        """The videos that are clips of streams so far, and those that were turned down."""
        self.parts: list[Location] = []
        self.counts: dict[str, Any] = {}
        """Of all parts together."""

    def write(self, rows: Iterable[Record | Reject], entered: Mapping[str, int]) -> None:
        """Write all parts of the rows. ``entered`` has the videos that were read by then.

        Raises:
            ContractError: a video is in two streams, in none and not turned down, or not of these
                shards; or a row is of another kind.
        """
        for row in rows:
            if isinstance(row, Reject):
                self._rejects.append(row.model_copy(update={"stage": self._task.node}))
                continue
            if type(row) is not self._stage.writes or not isinstance(row, Video):
                raise ContractError(f"{self._task.node} wrote a {type(row).__name__}")
            self._add(row)
        self._check(entered)
        while len(self.parts) < self._task.n_made:
            self._flush()

    def _add(self, stream: Video) -> None:
        if self._clips >= self._full:
            if len(self.parts) + 1 == self._task.n_made:  # the last is written in the end
                n_made = self._task.n_made
                raise ContractError(f"{self._task.node}: more clips than {n_made} shards can hold")
            self._flush()
        members = {clip.video_id for clip in stream.clips}
        if not members or not members.isdisjoint(self._placed):
            raise ContractError(f"{stream.video_id}: has no clips, or one of another stream")
        self._placed |= members
        self._clips += len(members)
        self._accepted.append(stream)

    def _check(self, entered: Mapping[str, int]) -> None:
        node = self._task.node
        refused = self._refused | {reject.video_id for reject in self._rejects}
        if both := self._placed & refused:
            raise ContractError(f"{node}: both in a stream and turned down: {_some(both)}")
        left = self._placed | refused
        if lost := entered.keys() - left:
            raise ContractError(f"{node}: neither in a stream nor turned down: {_some(lost)}")
        if strange := left - entered.keys():
            raise ContractError(f"{node}: not of the shards it reads: {_some(strange)}")

    def _flush(self) -> None:
        inputs = self._task.slot.name.rpartition("-")[2]
        slot = slot_path(self._task.slot.parent, self._task.shard + len(self.parts), inputs)
        counts = self._counts()
        self.parts.append(
            write_part(slot, self._stage.writes, self._accepted, self._rejects, counts)
        )
        self.counts = added(self.counts, counts)
        self._refused |= {reject.video_id for reject in self._rejects}
        self._accepted, self._rejects, self._clips = [], [], 0

    def _counts(self) -> dict[str, Any]:
        """Of one part: clips of its streams are out; a video that was turned down counts once, in
        the part of its first reject."""
        down: dict[str, set[str]] = {}
        for reject in self._rejects:
            if reject.video_id not in self._refused:
                down.setdefault(reject.video_id, set()).add(reject.reason)
        stage = self._stage
        absent = sum(reasons <= stage.absences for reasons in down.values())
        failed = sum(
            not reasons <= stage.absences and not reasons & stage.policies
            for reasons in down.values()
        )
        return {
            "videos_in": self._clips + len(down),
            "videos_out": self._clips,
            "videos_rejected": len(down) - absent,
            "videos_absent": absent,
            "videos_failed": failed,
            "rows_out": len(self._accepted),
            "rejected": dict(sorted(Counter(r.reason for r in self._rejects).items())),
            **dict.fromkeys(("asks", "tokens_in", "tokens_out"), 0),
        }


def added(before: Mapping[str, Any], counts: Mapping[str, Any]) -> dict[str, Any]:
    """The sum of counts, reason by reason."""
    rejected = Counter(before.get("rejected", {})) + Counter(counts["rejected"])
    sums = {name: before.get(name, 0) + n for name, n in counts.items() if name != "rejected"}
    return {**sums, "rejected": dict(sorted(rejected.items()))}


def _some(ids: Iterable[str]) -> list[str]:
    return sorted(ids)[:_NAMED]
