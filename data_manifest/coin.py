"""COIN: instructional YouTube videos of 180 tasks, with steps that have spans and fixed labels.

The file is ``COIN.json``. Times are in seconds, on a grid of half seconds. The steps are under
``annotation``, in the singular. A label recurs within a video, often many times, and may be a word
or two. Ids may begin with ``-``. The held-out split is called ``testing`` in the file.

Videos lie in folders by the number of their task. Copies of the file with other splits, such as
``coin_train_70.json``, are not read.

source: arXiv:1903.02874
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import SPLITS, Pair, Subset, json_members

GRID_S = 0.5


class Step(RawRecord):
    """A step of a task."""

    segment: Pair
    label: str | None


class Instructional(RawRecord):
    """A video with its steps."""

    key: Annotated[str, Field(min_length=1)]
    annotation: list[Step]
    recipe_type: int
    subset: Subset


def entry(record: Instructional, pointer: str, _: str) -> Entry | Unread:
    """The video and its steps; the split is that of the record."""
    annotations = (
        RawAnnotation(
            "step",
            step.label,
            *step.segment,
            resolution_s=GRID_S,
            pointer=f"{pointer}/annotation/{number}",
        )
        for number, step in enumerate(record.annotation)
    )
    return Entry(
        name=record.key,
        places=(Place(f"{record.recipe_type}/{record.key}"), Place(record.key)),
        annotations=tuple(annotations),
        split=SPLITS[record.subset],
        platform_id=f"youtube:{record.key}",
    )


ADAPTER = Adapter(
    name="coin",
    title="COIN",
    files=(AnnotationFile("**/COIN.json", json_members("database"), Instructional, entry),),
    proven=True,
    proof="official records, put back into the layout of COIN.json that its authors document",
    licence="coin",
)
