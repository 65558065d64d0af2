"""ActivityNet Captions: YouTube videos of everyday activities, with dense captions.

Files are ``train.json`` and ``val_1.json``, objects by ``v_`` and the YouTube id. Times are in
seconds. ``val_2.json`` describes the videos of ``val_1.json`` a second time: it is not read, for
each event would occur twice. The repository 2D-TAN has copies of the three as ``train.json``,
``val.json`` and ``test.json``, of which the first two are read.

Spans may be reversed, empty, or up to half a second past the end; events overlap and are unordered;
most sentences begin with a blank and a few have line breaks. The stated duration is wrong by more
than a second for some videos, and not used. Ids may begin with ``v``, ``_`` or ``-``.

source: arXiv:1705.00754
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import Pair, json_members


class Described(RawRecord):
    """A video with its sentences, and their spans in a parallel list."""

    key: Annotated[str, Field(pattern=r"^v_.")]
    timestamps: list[Pair]
    sentences: list[str | None]


def entry(record: Described, pointer: str, split: str) -> Entry | Unread:
    """The video and its events; a record whose lists differ in length is unread."""
    spans, texts = record.timestamps, record.sentences
    if len(spans) != len(texts):
        return Unread(pointer, "malformed", f"{len(spans)} timestamps, {len(texts)} sentences")
    youtube = record.key.removeprefix("v_")
    annotations = (
        RawAnnotation("event", text, start_s, end_s, pointer=f"{pointer}/timestamps/{number}")
        for number, ((start_s, end_s), text) in enumerate(zip(spans, texts, strict=True))
    )
    return Entry(
        name=record.key,
        places=(Place(f"v_{youtube}"), Place(youtube)),
        annotations=tuple(annotations),
        split=split,
        platform_id=f"youtube:{youtube}",
    )


ADAPTER = Adapter(
    name="activitynet_captions",
    title="ActivityNet Captions",
    files=(
        AnnotationFile("train.json", json_members(), Described, entry, "train"),
        AnnotationFile("val_1.json", json_members(), Described, entry, "val", "val.json"),
    ),
    proven=True,
    proof="byte-equal copies of captions.zip's train.json and val_1.json",
    licence="activitynet_captions",
)
