"""HACS Clips: 1.55 million clips of 2 s from YouTube videos, each labelled for one action.

The file is ``HACS_clips_v1.1.1.csv``; times are in seconds. Label ``1`` means that the clip shows
the action, ``-1`` that it does not. A negative clip becomes an entry without annotations. A
positive one is an event of 2 s, during which the action goes on; it may start before and end later
(``hacs_segments`` has whole actions).

Videos are those of HACS Segments and others; they lie in folders by class, with blanks as ``_``.

source: arXiv:1712.09374
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import SPLITS, NumberText, Subset, table


class Clip(RawRecord):
    """A clip, and whether it shows the action of its class."""

    classname: str
    youtube_id: Annotated[str, Field(min_length=1)]
    subset: Subset
    start: NumberText
    end: NumberText
    label: str


def entry(record: Clip, pointer: str, _: str) -> Entry | Unread:
    """The video, with the clip as an event if positive; the split is that of the record."""
    if record.label not in {"1", "-1"} and record.subset != "testing":
        return Unread(pointer, "malformed", f"label: not 1 or -1: {record.label}"[:200])
    positive = record.label == "1"
    annotation = RawAnnotation("event", record.classname, record.start, record.end, pointer=pointer)
    file = f"v_{record.youtube_id}"
    folder = record.classname.replace(" ", "_")
    return Entry(
        name=record.youtube_id,
        places=(
            *((Place(f"{folder}/{file}"),) if folder else ()),
            Place(file),
            Place(record.youtube_id),
        ),
        annotations=(annotation,) if positive else (),
        split=SPLITS[record.subset],
        platform_id=f"youtube:{record.youtube_id}",
    )


ADAPTER = Adapter(
    name="hacs_clips",
    title="HACS Clips",
    files=(AnnotationFile("**/HACS_clips_v*.csv", table, Clip, entry),),
    proven=False,
    proof="three rows in the README of the authors' repository",
    licence="hacs",
)
