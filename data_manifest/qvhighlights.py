"""QVHighlights: text queries, and the windows of YouTube clips that match them.

Files are ``highlight_{train,val,test}_release.jsonl`` and, published later,
``highlight_test_with_gt.jsonl``; records of ``test_release`` have no windows, and become entries
without annotations. Times are in seconds from the start of the clip. A clip of at most 150 s is
named by its source: YouTube id, start and end, joined by ``_``, which the id may have too.

A query has up to 24 windows, made of steps of 2 s; each becomes an event with the text of the
query. A clip may have two queries, in two records. Saliency scores are not used.

source: arXiv:2107.09609
"""

from __future__ import annotations

import re

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import Pair, json_list

STEP_S = 2
"""Length of the steps among which annotators chose."""

_NAME = re.compile(r"(.+)_([0-9]{1,9}\.[0-9]{1,9})_([0-9]{1,9}\.[0-9]{1,9})", re.DOTALL)


class Query(RawRecord):
    """A query about a clip."""

    vid: str
    query: str | None


class Labelled(Query):
    """A query with its windows."""

    relevant_windows: list[Pair]


def entry(record: Query, pointer: str, split: str) -> Entry | Unread:
    """The clip, with an event for each window of the query."""
    named = _NAME.fullmatch(record.vid)
    if named is None:
        return Unread(pointer, "malformed", f"vid: not ID_START_END: {record.vid}"[:200])
    youtube, start, end = named.groups()
    windows = record.relevant_windows if isinstance(record, Labelled) else []
    annotations = (
        RawAnnotation(
            "event",
            record.query,
            start_s,
            end_s,
            resolution_s=STEP_S,
            pointer=f"{pointer}/relevant_windows/{number}",
        )
        for number, (start_s, end_s) in enumerate(windows)
    )
    return Entry(
        name=record.vid,
        places=(Place(f"{record.vid}.mp4"), Place(youtube, (float(start), float(end)))),
        annotations=tuple(annotations),
        split=split,
        platform_id=f"youtube:{youtube}",
    )


def _file(name: str, record: type[Query], split: str) -> AnnotationFile[Query]:
    return AnnotationFile(f"**/highlight_{name}.jsonl", json_list, record, entry, split)


ADAPTER = Adapter(
    name="qvhighlights",
    title="QVHighlights",
    files=(
        _file("train_release", Labelled, "train"),
        _file("val_release", Labelled, "val"),
        _file("test_release", Query, "test"),
        _file("test_with_gt", Labelled, "test"),
    ),
    proven=True,
    proof="the four official files",
    licence="qvhighlights",
)
