"""Charades-STA: sentences with spans for the videos of Charades, filmed at home.

Files are ``charades_sta_{train,test}.txt``, with a line ``VIDEO START END##sentence`` for each
sentence; times are in seconds. About one end in seven is past the end of its video, a few spans are
reversed, and lines are unordered. A span with two sentences has two captions; both are read.

source: arXiv:1705.02101; the videos, arXiv:1604.01753
"""

from __future__ import annotations

import re

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import text_lines

_NUMBER = r"(-?[0-9]{1,9}(?:\.[0-9]{1,9})?)"
_LINE = re.compile(rf"\s*(\S+)\s+{_NUMBER}\s+{_NUMBER}\s*##(.*)", re.DOTALL)


class Line(RawRecord):
    """A line of the file."""

    line: str


def entry(record: Line, pointer: str, split: str) -> Entry | Unread:
    """The video, and the sentence as an event."""
    found = _LINE.fullmatch(record.line)
    if found is None:
        return Unread(pointer, "malformed", f"not VIDEO START END##sentence: {record.line}"[:200])
    name, start, end, sentence = found.groups()
    annotation = RawAnnotation("event", sentence, float(start), float(end), pointer=pointer)
    return Entry(name, (Place(name),), (annotation,), split, platform_id=f"charades:{name}")


def _file(split: str) -> AnnotationFile[Line]:
    return AnnotationFile(f"**/charades_sta_{split}.txt", text_lines, Line, entry, split)


ADAPTER = Adapter(
    name="charades_sta",
    title="Charades-STA",
    files=(_file("train"), _file("test")),
    proven=True,
    proof="copies of the two official files",
    licence="charades_sta",
)
