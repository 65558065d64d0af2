"""E.T. Instruct 164K: instructions about events in videos, made from twelve other datasets.

File: ``et_instruct_164k_txt.json``, a JSON list. ``et_instruct_164k_vid.json`` holds the same with
``<vid>`` in place of every time, and is not read. ``tgt`` has the times in an answer, in seconds,
and ``src`` those in a question. The tasks ``dvc`` and ``slc``, whose answers are lists of ``1.0 -
2.0 seconds, caption``, become events and steps. Of the questions about a span (``rvq``, ``rar``,
``eca``) those with exactly one are read. In the other tasks the answer is a time, and the event is
somewhere in a sentence: they are unread as ``unsupported_task``.

Captions are those of the source datasets, by people except in HowToStep, HowToCaption and
EgoTimeQA. Questions and their answers are by a model. Videos are distributed at 3 frames a second
without sound.

Source: https://arxiv.org/abs/2409.18111, https://github.com/PolyU-ChenLab/ETBench
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field

from pipeline.manifest.adapters.adapter import Adapter, AnnotationFile, RawRecord
from pipeline.manifest.adapters.conversation import (
    Turn,
    TurnPair,
    chosen_option,
    split_options,
    turn_pairs,
)
from pipeline.manifest.adapters.entry import Entry, Origin, Place, RawAnnotation, RawKind, Unread
from pipeline.manifest.adapters.layouts import json_list
from pipeline.manifest.adapters.platform_ids import ego4d_id, flickr_id, youtube_id

CAPTIONS: dict[str, RawKind] = {"dvc": "event", "slc": "step"}
QUESTIONS = ("rvq", "rar", "eca")
BY_MODELS = ("how_to_step", "how_to_caption", "ego_timeqa")

_SPAN = re.compile(r"[0-9]+(?:\.[0-9]+)?\s*-\s*[0-9]+(?:\.[0-9]+)?\s*seconds?\s*[,:]\s*")
_OF_YOUTUBE = ("how_to_step", "how_to_caption", "coin", "queryd", "activitynet", "hacs")
_OF_EGO4D = ("ego4d_naq", "naq", "ego_timeqa")
_PREFIXED = ("activitynet", "hacs")


class Sample(RawRecord):
    """A record of any task."""

    task: str
    source: str
    video: Annotated[str, Field(pattern=r"\S")]
    src: list[float] | None = None
    tgt: list[float] | None = None
    conversations: list[Turn]


def entry(record: Sample, pointer: str, split: str) -> Entry | Unread:
    """A video with the annotations of its sample."""
    if record.task not in CAPTIONS and record.task not in QUESTIONS:
        return Unread(pointer, "unsupported_task", record.task[:60])
    found = list(turn_pairs(record.conversations) or ())
    if len(found) != 1:
        return Unread(pointer, "unpaired_turns", "not one question and one answer")
    where = f"{pointer}/conversations/{found[0].turn}"
    annotations = (_captions if record.task in CAPTIONS else _question)(record, found[0], where)
    if isinstance(annotations, str):
        return Unread(pointer, "unclear_answer", annotations)
    places = (Place(f"videos/{record.video}"), Place(record.video))
    return Entry(record.video, places, tuple(annotations), split, _platform_id(record))


def _captions(record: Sample, pair: TurnPair, pointer: str) -> Sequence[RawAnnotation] | str:
    before, *texts = _SPAN.split(pair.answer or "")
    times = record.tgt or []
    if before.strip() or not texts or 2 * len(texts) != len(times):
        return f"{len(texts)} captions with times, {len(times)} times in tgt"
    origin: Origin = "model" if record.source in BY_MODELS else "human"
    kind = CAPTIONS[record.task]
    return [
        RawAnnotation(kind, text, start_s, end_s, origin=origin, pointer=pointer)
        for text, start_s, end_s in zip(texts, times[::2], times[1::2], strict=True)
    ]


def _question(record: Sample, pair: TurnPair, pointer: str) -> Sequence[RawAnnotation] | str:
    times = record.src or []
    if len(times) != 2:
        return f"{len(times)} times in src, not one span"
    question, options = split_options(pair.question or "")
    text = chosen_option(pair.answer, options) if pair.answer and options else pair.answer
    start_s, end_s = times
    return [
        RawAnnotation(
            "qa",
            text,
            start_s,
            end_s,
            question=question,
            options=options,
            origin="model",
            pointer=pointer,
        )
    ]


def _platform_id(record: Sample) -> str:
    stem = PurePosixPath(record.video).stem
    if record.source in _PREFIXED:
        stem = stem.removeprefix("v_")
    if record.source in _OF_EGO4D:
        return ego4d_id(stem)
    if record.source == "didemo":
        return flickr_id(PurePosixPath(record.video).name)
    return youtube_id(stem) if record.source in _OF_YOUTUBE else ""


ADAPTER = Adapter(
    name="et_instruct",
    title="E.T. Instruct 164K",
    files=(AnnotationFile("**/et_instruct_164k_txt.json", json_list, Sample, entry),),
    proven=False,
    proof="docs/DATASET.md of ETBench; the form of its lists, from programs that read them",
    licence="et_instruct",
)
