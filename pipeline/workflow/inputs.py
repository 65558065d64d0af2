"""What a task reads, once it exists: by it a part is named, and what came out unchanged found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.records.digest import digest
from pipeline.store.location import Location
from pipeline.store.part_names import Listing, rows_digest_of, slot_path
from pipeline.workflow.task import Key, PlannedTask, Replied, ShardResult, ShardTask

_DIGITS = 16


def slot_for(task: PlannedTask, parts: Mapping[Key, Location]) -> Location | None:
    """The slot of a task by the content of the parts that it reads; None while one is missing."""
    if not all(key in parts for key in task.needed):
        return None
    read = [[rows_digest_of(parts[key]) for _, key in shard] for shard in task.needs]
    return slot_path(task.folder, task.shard, digest([task.manifest, read], _DIGITS))


class PartsMade:
    """The parts of a run by task, as they come to be, and what can start with them."""

    def __init__(
        self,
        parts: Mapping[Key, Location],
        listings: Iterable[Listing],
        replied: Mapping[str, Replied],
    ) -> None:
        """``parts`` exist; ``listings`` are of the folders of all tasks; ``replied`` is by node,
        of those that may use replies of before."""
        self._parts = dict(parts)
        self._listings = {listing.folder: listing for listing in listings}
        self._replied = replied

    def add(self, key: Key, part: Location) -> None:
        """A part exists now."""
        self._parts[key] = part

    def resolve(self, task: PlannedTask) -> ShardTask | ShardResult:
        """The task with its inputs, all of which exist; or, where the part was made of the very
        same before, its result."""
        slot = slot_for(task, self._parts)
        if slot is None:
            raise ValueError(f"{task.key} was to start before its inputs existed")
        listing = self._listings[task.folder]
        part = listing.part(slot)
        if part is not None:
            self.add(task.key, part)
            return ShardResult(
                node=task.node, shard=task.shard, slot=slot, part=part, unchanged=True
            )
        return task.ready(self._parts, slot, self._replied.get(task.node))
