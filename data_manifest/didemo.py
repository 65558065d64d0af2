"""DiDeMo: Flickr videos of YFCC100M, with sentences that each describe one moment.

Files are ``{train,val,test}_data.json``, lists with a record a sentence. Only the first 30 s of a
video were described, in chunks of 5 s counted from 0; a span has its first and last chunk, so
``[2, 2]`` is 10 to 15 s. The last chunk may reach past the end of the video, by less than a chunk.

Each sentence was placed by four people, sometimes five or seven, who often disagree. The span is
the one that most of them chose; in a tie the one with the largest sum of intersection over union
with all choices, and then the earliest. ``annotator`` has the number of those who chose it.

File names come from Flickr: the photo number is the last but one part between ``_``, the suffix
after the dot may be missing, and scripts add ``.mp4`` to any name. Copies named by the hashes of
YFCC100M are not found, for records do not have the hashes.

source: arXiv:1708.01641
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import json_list
from pipeline.manifest.adapters.platform_ids import flickr_id

CHUNK_S = 5
CHUNKS = 6
"""The most chunks of a video."""

Chunk = Annotated[int, Field(ge=0, lt=CHUNKS)]
Choice = Annotated[tuple[Chunk, Chunk], Field(strict=False)]


class Moment(RawRecord):
    """A sentence, and its first and last chunk by each annotator."""

    video: Annotated[str, Field(min_length=1)]
    description: str | None
    num_segments: Annotated[int, Field(ge=1, le=CHUNKS)]
    times: Annotated[list[Choice], Field(min_length=1)]


def most_voted(times: list[tuple[int, int]]) -> tuple[int, int, int]:
    """First and last chunk of the chosen span, and how many annotators chose it."""
    votes = Counter(times)

    def rank(span: tuple[int, int]) -> tuple[int, Fraction, tuple[int, int]]:
        agreement = sum(
            (count * overlap(span, other) for other, count in votes.items()), Fraction()
        )
        return -votes[span], -agreement, span

    chosen = min(votes, key=rank)
    return *chosen, votes[chosen]


def overlap(one: tuple[int, int], other: tuple[int, int]) -> Fraction:
    """Intersection over union of two spans of chunks, last chunks included."""
    shared = max(0, min(one[1], other[1]) - max(one[0], other[0]) + 1)
    lengths = (last - first + 1 for first, last in (one, other))
    return Fraction(shared, sum(lengths) - shared) if shared else Fraction()


def entry(record: Moment, pointer: str, split: str) -> Entry | Unread:
    """The video, and the sentence as an event."""
    first, last, votes = most_voted(record.times)
    annotation = RawAnnotation(
        "event",
        record.description,
        float(CHUNK_S * first),
        float(CHUNK_S * (last + 1)),
        resolution_s=CHUNK_S,
        annotator=f"{votes} of {len(record.times)}",
        pointer=f"{pointer}/times",
    )
    stem, _, _ = record.video.rpartition(".")
    clip = (0.0, float(CHUNK_S * record.num_segments))
    paths = dict.fromkeys((record.video, f"{record.video}.mp4", stem or record.video))
    return Entry(
        name=record.video,
        places=tuple(Place(path, clip) for path in paths),
        annotations=(annotation,),
        split=split,
        platform_id=flickr_id(record.video),
    )


def _file(split: str) -> AnnotationFile[Moment]:
    return AnnotationFile(f"**/{split}_data.json", json_list, Moment, entry, split)


ADAPTER = Adapter(
    name="didemo",
    title="DiDeMo",
    files=(_file("train"), _file("val"), _file("test")),
    proven=True,
    proof="the official val_data.json and test_data.json",
    licence="didemo",
)
