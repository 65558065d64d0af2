"""ViTT: instructional videos of YouTube-8M, with a tag for each part of their timelines.

The file is ``ViTT-annotations.json``: JSON Lines in spite of its name, with a set of tags a line. A
tag has the start of its part in milliseconds, and no end. Tags may be blank, and times may
decrease.

Some videos were tagged by several people, whose sets are on several lines: the first set that is
not empty is read, and later ones are unread as ``other_set``. The split is that of the list beside
the file (``train_id.txt``, ``dev_id.txt``, ``test_id.txt``) that has the video; a video in none of
them is ``unassigned``.

Ids are those of YouTube-8M, of 4 characters, not YouTube's.

source: arXiv:2011.11760
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import UNASSIGNED, json_list

LISTS = {"train": "train_id.txt", "val": "dev_id.txt", "test": "test_id.txt"}


class Tag(RawRecord):
    """A part of the timeline: its start in milliseconds, and its text."""

    timestamp: float
    tag: str | None


class TagSet(RawRecord):
    """The tags of one annotator; ``split`` comes from the lists beside the file."""

    id: Annotated[str, Field(min_length=1)]
    annotations: list[Tag]
    split: str


def first_sets(path: Path) -> Iterator[tuple[str, Any]]:
    """The records of the file with their splits; of several sets of a video the first with tags."""
    splits = _splits(path.parent)
    seen: set[str] = set()
    for pointer, raw in json_list(path):
        name = raw.get("id") if isinstance(raw, dict) else None
        if not isinstance(name, str):
            yield pointer, raw
        elif name in seen:
            yield pointer, Unread(pointer, "other_set", f"tags of {name} were read already"[:200])
        else:
            if raw.get("annotations"):
                seen.add(name)
            yield pointer, {**raw, "split": splits.get(name, UNASSIGNED)}


def _splits(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for split, name in LISTS.items():
        path = folder / name
        if path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            found |= {line.strip(): split for line in lines}
    return found


def entry(record: TagSet, pointer: str, _: str) -> Entry | Unread:
    """The video, and each tag as an event with a start alone."""
    annotations = (
        RawAnnotation(
            "event", tag.tag, tag.timestamp / 1000, pointer=f"{pointer}/annotations/{number}"
        )
        for number, tag in enumerate(record.annotations)
    )
    return Entry(
        name=record.id,
        places=(Place(record.id),),
        annotations=tuple(annotations),
        split=record.split,
        platform_id=f"yt8m:{record.id}",
    )


ADAPTER = Adapter(
    name="vitt",
    title="Video Timeline Tags (ViTT)",
    files=(AnnotationFile("**/ViTT-annotations.json", first_sets, TagSet, entry, UNASSIGNED),),
    proven=False,
    proof="one record in the README of the authors' repository; its lists of splits untried",
    licence="vitt",
)
