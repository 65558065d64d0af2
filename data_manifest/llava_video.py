"""LLaVA-Video-178K: captions, open questions and questions with options of 178 thousand videos.

Files: a folder for each length and origin of video, such as ``30_60_s_academic_v0_1``, with
``*_cap_processed.json`` and ``*_qa_processed.json``, each a JSON list. The three kinds of record of
a video have its path in common, and ``id`` is not unique. Nothing has a time. A conversation has
questions and answers in turns; ``<image>`` stands for the video, mostly in the first. Options are
lines ``A. ...`` of a question, and its answer is a letter or ``D. text``. The frames of
``llava_hound`` are no videos and are not read.

The texts are GPT-4o's, but for the questions of ActivityNet-QA, NExT-QA and Perception Test, which
people wrote.

Source: https://arxiv.org/abs/2410.02713,
https://huggingface.co/datasets/lmms-lab/LLaVA-Video-178K
"""

from __future__ import annotations

from collections.abc import Sequence
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
from pipeline.manifest.adapters.entry import Entry, Origin, Place, RawAnnotation, Unread
from pipeline.manifest.adapters.layouts import json_list
from pipeline.manifest.adapters.platform_ids import collected_id

_BY_PEOPLE = ("activitynet", "nextqa", "perceptiontest")


class Conversation(RawRecord):
    """A record of any of the three kinds."""

    video: Annotated[str, Field(pattern=r"\S")]
    data_source: str = ""
    conversations: list[Turn]


def caption(record: Conversation, pointer: str, split: str) -> Entry | Unread:
    """A video and its caption, which is of all of it: the instruction it answers is let be."""
    found = turn_pairs(record.conversations)
    if found is None:
        return _unpaired(pointer)
    annotations = [
        RawAnnotation(
            "event", said.answer, origin="model", pointer=f"{pointer}/conversations/{said.turn}"
        )
        for said in found
    ]
    return _entry(record, annotations, split)


def questions(record: Conversation, pointer: str, split: str) -> Entry | Unread:
    """A video and the questions about it."""
    found = turn_pairs(record.conversations)
    if found is None:
        return _unpaired(pointer)
    origin: Origin = "human" if any(n in record.data_source for n in _BY_PEOPLE) else "model"
    annotations = [_told(said, origin, f"{pointer}/conversations/{said.turn}") for said in found]
    return _entry(record, annotations, split)


def _told(said: TurnPair, origin: Origin, pointer: str) -> RawAnnotation:
    question, options = split_options(said.question or "")
    text = chosen_option(said.answer, options) if said.answer and options else said.answer
    return RawAnnotation(
        "qa", text, question=question, options=options, origin=origin, pointer=pointer
    )


def _entry(record: Conversation, annotations: Sequence[RawAnnotation], split: str) -> Entry:
    inside = [Place(f"{record.data_source}/{record.video}")] if record.data_source else []
    places = (*inside, Place(record.video))
    return Entry(record.video, places, tuple(annotations), split, collected_id(record.video))


def _unpaired(pointer: str) -> Unread:
    return Unread(pointer, "unpaired_turns", "human and gpt do not take turns, or gpt is not last")


ADAPTER = Adapter(
    name="llava_video",
    title="LLaVA-Video-178K",
    files=(
        AnnotationFile("**/*_cap_processed.json", json_list, Conversation, caption),
        AnnotationFile("**/*_qa_processed.json", json_list, Conversation, questions),
    ),
    proven=False,
    proof="the dataset's card and file lists, and three programs that read its files",
    licence="llava_video",
)
