"""QuerYD: audio descriptions of YouTube videos, spoken by volunteers, with their spans.

Files are two pickles, ``raw_captions_combined_filtered.pkl`` and ``times_captions_combined_filtered
.pkl`` (also with ``-v2`` before the suffix): by the name of a video, ``video-`` and its YouTube id,
a list of descriptions, each a list of words, and a parallel list of ``[start, end]`` in seconds.
Speech recognition wrote the words down. ``{train,val,test}_list.txt`` beside them have a name a
line; a video on none of them has no split. Pickles are read as plain data (``plain_pickle.py``).

source: arXiv:2011.11071; files, https://github.com/oncescuandreea/QuerYD_downloader
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import UNASSIGNED, Pair
from pipeline.manifest.adapters.plain_pickle import plain_pickle
from pipeline.manifest.adapters.platform_ids import youtube_id

_PREFIX = "video-"


class Described(RawRecord):
    """A video with its descriptions, and their spans in a parallel list."""

    key: Annotated[str, Field(pattern=r"\S")]
    captions: list[list[str] | str]
    times: list[Pair]
    split: str


def entry(record: Described, pointer: str, _: str) -> Entry | Unread:
    """The video and its events; a record whose lists differ in length is unread."""
    spans, texts = record.times, record.captions
    if len(spans) != len(texts):
        return Unread(pointer, "malformed", f"{len(spans)} times, {len(texts)} captions")
    events = (
        RawAnnotation(
            "event",
            text if isinstance(text, str) else " ".join(text),
            start_s,
            end_s,
            origin="asr",
            pointer=f"{pointer}/{number}",
        )
        for number, ((start_s, end_s), text) in enumerate(zip(spans, texts, strict=True))
    )
    name = record.key.removeprefix(_PREFIX)
    places = tuple(Place(path) for path in dict.fromkeys((name, record.key)))
    return Entry(record.key, places, tuple(events), record.split, youtube_id(name))


def _videos(path: Path) -> Iterator[tuple[str, Any]]:
    """The videos of a file of captions, each with its times and its split."""
    beside = path.with_name(path.name.replace("raw_", "times_", 1))
    found = []
    for file in (path, beside):
        try:
            value = plain_pickle(file.read_bytes())
        except FileNotFoundError:
            yield "", Unread("", "malformed", f"there is no {file.name} beside it")
            return
        except ValueError as error:
            yield "", Unread("", "damaged", f"{file.name}: {error}"[:200])
            return
        if not isinstance(value, dict):
            yield "", Unread("", "malformed", f"{file.name} holds no dict")
            return
        found.append(value)
    captions, times = found
    splits = _splits(path.parent)
    for key, texts in captions.items():
        split = splits.get(key, UNASSIGNED) if isinstance(key, str) else UNASSIGNED
        record = {"key": key, "captions": texts, "times": times.get(key), "split": split}
        yield str(key), record


def _splits(folder: Path) -> dict[str, str]:
    """The split of each video that a list names; of several, that of the test list counts."""
    found: dict[str, str] = {}
    for split in ("train", "val", "test"):
        path = folder / f"{split}_list.txt"
        if path.is_file():
            names = path.read_text(encoding="utf-8", errors="replace").split()
            found.update(dict.fromkeys(names, split))
    return found


ADAPTER = Adapter(
    name="queryd",
    title="QuerYD",
    files=(AnnotationFile("**/raw_captions_combined*.pkl", _videos, Described, entry, UNASSIGNED),),
    proven=False,
    proof="the README of its authors' downloader, and a public program that reads the two files",
    licence="queryd",
)
