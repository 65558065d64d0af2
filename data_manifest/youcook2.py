"""YouCook2: YouTube cooking videos, with a span and a sentence for each step of the recipe.

The official file is ``youcookii_annotations_trainval.json``; steps of the test split are not
public. ``yc2_{train,val,test}.json`` have the same steps in the layout of ActivityNet Captions, as
used by dense-captioning code: ``v_`` before the id, and no type of recipe, so that videos are found
by id alone. Times are whole seconds in both.

``yc2_test.json`` has the placeholder ``None`` from 0 to 1 s of each video. A sentence may recur in
a video, and a few steps overlap.

source: arXiv:1703.09788
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.entry import Entry, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import SPLITS, Pair, Subset, json_members

GRID_S = 1


class Step(RawRecord):
    """A step of a recipe."""

    segment: Pair
    sentence: str | None


class Recipe(RawRecord):
    """A video in the official file."""

    key: Annotated[str, Field(min_length=1)]
    annotations: list[Step]
    recipe_type: str
    subset: Subset


class Recut(RawRecord):
    """A video in the other layout, with two parallel lists."""

    key: Annotated[str, Field(min_length=len("v_x"))]
    timestamps: list[Pair]
    sentences: list[str | None]


def official(record: Recipe, pointer: str, _: str) -> Entry | Unread:
    """The video and its steps; the split is that of the record."""
    annotations = (
        RawAnnotation(
            "step",
            step.sentence,
            *step.segment,
            resolution_s=GRID_S,
            pointer=f"{pointer}/annotations/{number}",
        )
        for number, step in enumerate(record.annotations)
    )
    file = f"{record.subset}/{record.recipe_type}/{record.key}"
    places = (Place(f"raw_videos/{file}"), Place(file), Place(record.key))
    return Entry(
        name=record.key,
        places=places,
        annotations=tuple(annotations),
        split=SPLITS[record.subset],
        platform_id=f"youtube:{record.key}",
    )


def recut(record: Recut, pointer: str, split: str) -> Entry | Unread:
    """The video and its steps; a record whose lists differ in length is unread."""
    spans, texts = record.timestamps, record.sentences
    if len(spans) != len(texts):
        return Unread(pointer, "malformed", f"{len(spans)} timestamps, {len(texts)} sentences")
    youtube = record.key.removeprefix("v_")
    annotations = (
        RawAnnotation(
            "step",
            text,
            start_s,
            end_s,
            resolution_s=GRID_S,
            pointer=f"{pointer}/timestamps/{number}",
        )
        for number, ((start_s, end_s), text) in enumerate(zip(spans, texts, strict=True))
    )
    return Entry(
        name=youtube,
        places=(Place(youtube), Place(f"v_{youtube}")),
        annotations=tuple(annotations),
        split=split,
        platform_id=f"youtube:{youtube}",
    )


def _recut_file(split: str) -> AnnotationFile[Recut]:
    return AnnotationFile(f"**/yc2_{split}.json", json_members(), Recut, recut, split)


ADAPTER = Adapter(
    name="youcook2",
    title="YouCook2",
    files=(
        AnnotationFile(
            "**/youcookii_annotations_trainval.json", json_members("database"), Recipe, official
        ),
        *(_recut_file(split) for split in ("train", "val", "test")),
    ),
    proven=True,
    proof="one record in the official layout, and the three yc2 files, whose values are equal",
    licence="youcook2",
)
