"""The names of parts and of the files beside them.

<root>/parts/<node>/<recipe>/recipe.json
<root>/parts/<node>/<recipe>/part-00003-<inputs>-<rows>-<rest>.parquet
<root>/parts/<node>/<recipe>/rejects-00003-<inputs>-<rows>-<rest>.parquet
<root>/parts/<node>/<recipe>/replies-00003-<inputs>-<rows>-<rest>.parquet   what the engine said
<root>/parts/<node>/<recipe>/files-00003-<inputs>-<rows>-<rest>/   what a stage of many shards wrote
<root>/parts/<node>/<recipe>/manifest-00003-<inputs>.jsonl   the manifest rows, for a source
<root>/parts/<node>/<recipe>/journal-00003-<inputs>/   the replies, until the part is written
<root>/parts/<node>/<recipe>/reads-00003-<inputs>.bin   videos that were read, until it is written

A slot is what is known of a part before it is made: its recipe, its shard, and a digest of all that
it reads. The part's name adds what it holds: ``rows``, a digest of what other nodes can read of it
(``store.content``), and ``rest``, one of its rejects and counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.store.location import Location

_PART = re.compile(r"part-(\d{5,})-([0-9a-f]+)-([0-9a-f]+)-[0-9a-f]+\.parquet")
_OF_A_SLOT = re.compile(r"[a-z]+-(\d{5,}-[0-9a-f]+)(?:[-.].*)?")
_REUSABLE = re.compile(r"(?:replies-(\d{5,})-.*\.parquet|journal-(\d{5,})-.*)")


def recipe_folder(root: Location, node: str, recipe: str) -> Location:
    """The folder of the parts of a recipe."""
    return root / f"parts/{node}/{recipe}"


def slot_path(folder: Location, shard: int, inputs: str) -> Location:
    """The slot of a shard. It is the beginning of names, and itself no file."""
    return folder / f"part-{shard:05d}-{inputs}"


def part_path(slot: Location, rows: str, rest: str) -> Location:
    """The file of a part."""
    return slot.with_name(f"{slot.name}-{rows}-{rest}.parquet")


def slot_of(part: Location) -> Location:
    """The slot that a part is made for."""
    return part.with_name("-".join(part.name.split("-")[:3]))


def shard_of(slot: Location) -> int:
    """The shard of a slot, or of a part."""
    return int(slot.name.split("-")[1])


def rows_digest_of(part: Location) -> str:
    """The digest of a part's rows, as its name shows it."""
    return part.name.split("-")[3]


def rejects_path(part: Location) -> Location:
    """The file of a part's rejects."""
    return part.with_name(part.name.replace("part-", "rejects-", 1))


def replies_path(part: Location) -> Location:
    """The file of a part's replies."""
    return part.with_name(part.name.replace("part-", "replies-", 1))


def files_path(part: Location) -> Location:
    """The folder of the files of a stage of many shards."""
    return part.with_name(part.stem.replace("part-", "files-", 1))


def manifest_path(slot: Location) -> Location:
    """The file of the manifest rows that a part of a source is made of."""
    return slot.with_name(f"{slot.name.replace('part-', 'manifest-', 1)}.jsonl")


def reads_path(slot: Location) -> Location:
    """The file of what was read of videos for a part that failed."""
    return slot.with_name(f"{slot.name.replace('part-', 'reads-', 1)}.bin")


def replied_shard(name: str) -> int | None:
    """The shard of a file of replies or of the folder of a journal; None for any other name."""
    found = _REUSABLE.fullmatch(name)
    return found and int(found[1] or found[2])


def slot_name(name: str) -> str | None:
    """Shard and inputs in the name of a file or folder of a part; None for any other name."""
    found = _OF_A_SLOT.fullmatch(name)
    return found and found[1]


@dataclass(frozen=True)
class Listing:
    """What the folder of a recipe holds at one moment.

    ``parts`` are by the name of their slot. Where runs that raced, with a model that varies, left
    several for one, the first by name counts for everyone.
    """

    folder: Location
    has_recipe: bool = False
    parts: Mapping[str, Location] = field(default_factory=dict, repr=False)

    def part(self, slot: Location) -> Location | None:
        """The part that was made for a slot."""
        return self.parts.get(slot.name)

    def has_others(self, slot: Location) -> bool:
        """Whether there is a part of the same shard, made of other inputs."""
        shard = slot.name.rpartition("-")[0] + "-"
        return any(name.startswith(shard) and name != slot.name for name in self.parts)


def list_parts(folder: Location) -> Listing:
    """List the folder of a recipe."""
    names = sorted(folder.sizes())
    parts: dict[str, Location] = {}
    for name in names:
        if _PART.fullmatch(name):
            parts.setdefault("-".join(name.split("-")[:3]), folder / name)
    return Listing(folder, "recipe.json" in names, parts)
