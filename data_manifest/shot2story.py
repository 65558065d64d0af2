"""Shot2Story: clips of several shots from YouTube videos, each with a summary in a paragraph.

``{20k,114k,134k}_meta.csv`` have the span of each clip in its YouTube video, as a string with a
list of two clock times. ``20k_{train,val,test}.json`` and ``43k_human_train.json`` have summaries
by people, ``90k_gptv_train.json`` those by a model. ``134k_full_train.json`` has both without their
origins, so it is not read.

A summary is of the whole clip and has no span. The captions of shots are not read: their bounds are
frame numbers of the cut clip, and no file has its frame rate. A meta file has no splits, so its
entries are ``unassigned``. Clips are named by YouTube id, a dot and a number; the id may have
``_``, and one video may have several clips.

source: arXiv:2312.10300
"""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Origin, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import UNASSIGNED, clock_pair, json_list, table

Name = Annotated[str, Field(min_length=1)]


class Clip(RawRecord):
    """A clip and its span in its video."""

    clip_id: Name
    duration: str
    youtube_id: Name


class Summary(RawRecord):
    """The file of a clip, and its summary."""

    video: Annotated[str, Field(min_length=len("x.mp4"))]
    whole_caption: str | None


def cut(record: Clip, pointer: str, split: str) -> Entry | Unread:
    """The clip, without annotations."""
    clip = clock_pair(record.duration)
    if clip is None:
        return Unread(pointer, "malformed", f"duration: no two times: {record.duration}"[:200])
    return Entry(
        name=record.clip_id,
        places=(Place(f"{record.clip_id}.mp4"), Place(record.youtube_id, clip)),
        annotations=(),
        split=split,
        platform_id=f"youtube:{record.youtube_id}",
    )


def summed_up(record: Summary, pointer: str, split: str, origin: Origin) -> Entry | Unread:
    """The clip, with its summary as an event without times."""
    name = record.video.removesuffix(".mp4")
    youtube, dot, number = name.rpartition(".")
    annotation = RawAnnotation(
        "event", record.whole_caption, origin=origin, pointer=f"{pointer}/whole_caption"
    )
    return Entry(
        name=name,
        # With the suffix, for the number after the dot would be taken for one.
        places=(Place(f"{name}.mp4"),),
        annotations=(annotation,),
        split=split,
        platform_id=f"youtube:{youtube}" if dot and youtube and number.isdecimal() else "",
    )


def _summaries(name: str, split: str, origin: Origin) -> AnnotationFile[Summary]:
    entry = partial(summed_up, origin=origin)
    return AnnotationFile(f"**/{name}.json", json_list, Summary, entry, split)


ADAPTER = Adapter(
    name="shot2story",
    title="Shot2Story",
    files=(
        AnnotationFile("**/*k_meta.csv", table, Clip, cut, UNASSIGNED),
        *(_summaries(f"20k_{split}", split, "human") for split in ("train", "val", "test")),
        _summaries("43k_human_train", "train", "human"),
        _summaries("90k_gptv_train", "train", "model"),
    ),
    proven=False,
    proof="20k_meta.csv is proven on the official file; the summaries are written from DATA.md of"
    " the authors' repository",
    licence="shot2story",
)
