"""TACoS: sentences with spans for videos of cooking, MPII Cooking Composite Activities.

Files are ``train.json``, ``val.json`` and ``test.json`` as the repository 2D-TAN has them: objects
by the name of the file, ``s34-d28.avi``, with ``timestamps`` in frames, ``sentences`` in a parallel
list, and ``fps``. Up to twenty people described a video, so sentences and spans recur; who wrote
which is not said.

source: https://aclanthology.org/Q13-1003; files, https://github.com/microsoft/VideoX (2D-TAN)
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import Pair, json_members


class Described(RawRecord):
    """A video with its sentences, and their spans in a parallel list."""

    key: Annotated[str, Field(pattern=r"\S")]
    timestamps: list[Pair]
    sentences: list[str | None]
    fps: float


def entry(record: Described, pointer: str, split: str) -> Entry | Unread:
    """The video and its events; a record whose lists differ in length is unread."""
    spans, texts, rate = record.timestamps, record.sentences, record.fps
    if len(spans) != len(texts):
        return Unread(pointer, "malformed", f"{len(spans)} timestamps, {len(texts)} sentences")
    if rate <= 0:
        return Unread(pointer, "bad_rate", f"fps is {rate}")
    events = (
        RawAnnotation("event", text, start / rate, end / rate, pointer=f"{pointer}/timestamps/{i}")
        for i, ((start, end), text) in enumerate(zip(spans, texts, strict=True))
    )
    return Entry(record.key, (Place(record.key),), tuple(events), split)


def _file(split: str) -> AnnotationFile[Described]:
    return AnnotationFile(f"**/{split}.json", json_members(), Described, entry, split)


ADAPTER = Adapter(
    name="tacos",
    title="TACoS",
    files=(_file("train"), _file("val"), _file("test")),
    proven=False,
    proof="the first record of 2D-TAN's val.json, read by eye",
    licence="tacos",
)
