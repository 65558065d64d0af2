"""HACS Segments: YouTube videos with the whole span of every action.

The file is ``HACS_segments_v1.1.1.json``, in the layout of ActivityNet. Times are in seconds; the
duration is a string, and not used. Videos of the testing split have no labels. A video may show
several classes. Segments may be empty, or shorter than a second.

Videos lie in folders by class, with blanks as ``_``; those of the testing split, without a class,
are found by name alone.

source: arXiv:1712.09374
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import SPLITS, Pair, Subset, json_members


class Segment(RawRecord):
    """An action and its span."""

    label: str | None
    segment: Pair


class Segmented(RawRecord):
    """A video with its segments."""

    key: Annotated[str, Field(min_length=1)]
    subset: Subset
    annotations: list[Segment] | None = None


def entry(record: Segmented, pointer: str, _: str) -> Entry | Unread:
    """The video, and the class of each segment as an event; the split is that of the record."""
    if record.annotations is None and record.subset != "testing":
        return Unread(pointer, "malformed", "annotations: missing, and the subset is not testing")
    segments = record.annotations or []
    annotations = (
        RawAnnotation("event", item.label, *item.segment, pointer=f"{pointer}/annotations/{number}")
        for number, item in enumerate(segments)
    )
    folders = dict.fromkeys(item.label.replace(" ", "_") for item in segments if item.label)
    file = f"v_{record.key}"
    return Entry(
        name=record.key,
        places=(*(Place(f"{folder}/{file}") for folder in folders), Place(file), Place(record.key)),
        annotations=tuple(annotations),
        split=SPLITS[record.subset],
        platform_id=f"youtube:{record.key}",
    )


ADAPTER = Adapter(
    name="hacs_segments",
    title="HACS Segments",
    files=(AnnotationFile("**/HACS_segments_v*.json", json_members("database"), Segmented, entry),),
    proven=False,
    proof="one record in the README of the authors' repository",
    licence="hacs",
)
