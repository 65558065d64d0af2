"""Koala-36M: 36 million clips of YouTube videos, each with a caption of some 200 words by a model.

Files: ``Koala_36M_1.csv`` to ``Koala_36M_10.csv``, without splits. A row is a clip,
``{YouTube id}_{number}``; ids may have ``_``, so the name is split at the last one. ``timestamp``
is a string, ``['H:MM:SS.fff', 'H:MM:SS.fff']``, in the whole video, sometimes without fractions.
Rows may be short and bytes may not be UTF-8. The scores are not read. Only the table is
distributed; users cut ``{videoID}.mp4``. A caption is of its whole clip, so it has no span.

Source: https://arxiv.org/abs/2410.08260, https://huggingface.co/datasets/Koala-36M/Koala-36M-v1
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import clock_pair, table


class Clip(RawRecord):
    """A row."""

    clip: Annotated[str, Field(alias="videoID", pattern=r"\S")]
    timestamp: str
    caption: str | None


def entry(record: Clip, pointer: str, split: str) -> Entry | Unread:
    """A clip and its caption."""
    times = clock_pair(record.timestamp)
    if times is None:
        return Unread(pointer, "bad_time", f"timestamp is {record.timestamp!r:.100}")
    youtube, mark, number = record.clip.rpartition("_")
    if not (youtube and mark and number.isascii() and number.isdigit()):
        return Unread(pointer, "bad_id", f"videoID is {record.clip!r:.100}, not <id>_<number>")
    caption = RawAnnotation("event", record.caption, origin="model", pointer=f"{pointer}/caption")
    places = (Place(record.clip), Place(youtube, clip=times))
    return Entry(record.clip, places, (caption,), split, f"youtube:{youtube}")


ADAPTER = Adapter(
    name="koala36m",
    title="Koala-36M",
    files=(AnnotationFile("**/Koala_36M_*.csv", table, Clip, entry),),
    proven=False,
    proof="the columns of the dataset's card, and three programs that read its tables",
    licence="koala36m",
)
