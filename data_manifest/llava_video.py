"""LLaVA-Video-178K: captions, open questions and questions with options for 178 thousand videos.

Files: a folder for each length and origin of video, such as ``30_60_s_academic_v0_1``, with
``*_cap_processed.json`` and ``*_qa_processed.json``, each a JSON list. The three kinds of record of
a video share its path; ``id`` is not unique. Nothing has a time. A conversation alternates
questions and answers; ``<image>`` is the placeholder of the video, mostly in the first. Options are
lines ``A. ...`` of a question, and its answer is a letter or ``D. text``. ``llava_hound`` has
frames in place of videos, and is not read.

The texts are by GPT-4o, except the questions of ActivityNet-QA, NExT-QA and Perception Test, which
are by people.

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
    """A video and its caption, which is of the whole video; the instruction is not read."""
    found = turn_pairs(record.conversations)
    if found is None:
        return _unpaired(pointer)
    annotations = [
        RawAnnotation(
            "event", pair.answer, origin="model", pointer=f"{pointer}/conversations/{pair.turn}"
        )
        for pair in found
    ]
    return _entry(record, annotations, split)


def questions(record: Conversation, pointer: str, split: str) -> Entry | Unread:
    """A video and the questions about it."""
    found = turn_pairs(record.conversations)
    if found is None:
        return _unpaired(pointer)
    origin: Origin = "human" if any(n in record.data_source for n in _BY_PEOPLE) else "model"
    annotations = [_qa(pair, origin, f"{pointer}/conversations/{pair.turn}") for pair in found]
    return _entry(record, annotations, split)


def _qa(pair: TurnPair, origin: Origin, pointer: str) -> RawAnnotation:
    question, options = split_options(pair.question or "")
    text = chosen_option(pair.answer, options) if pair.answer and options else pair.answer
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
