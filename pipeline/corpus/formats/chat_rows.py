"""The keys beside the messages of chat rows, with one image a turn or with a video."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.corpus.attribution import attribution_of
from pipeline.corpus.formats.base import ReadSample, View
from pipeline.corpus.formats.fields import (
    attribution,
    count,
    optional_number,
    refuse,
    text,
    texts,
)
from pipeline.corpus.formats.flags import turn_flags
from pipeline.corpus.formats.turn_messages import read_turn_messages, turn_questions
from pipeline.dialogue.read_events import read_events
from pipeline.records import Dialogue

IMAGE = "<image>"


def images_of(dialogue: Dialogue, view: View) -> list[str]:
    """The image of every turn, in order."""
    return [view.image(dialogue, index) for index in dialogue.turns.indices]


def metadata_of(dialogue: Dialogue, view: View) -> dict[str, Any]:
    """The metadata of a chat row, none of which trainers read."""
    return {
        "video_name": view.name(dialogue),
        "task_type": dialogue.task,
        **attribution_of(dialogue),
        "fps": dialogue.turns_per_s,
        "duration": dialogue.duration_s,
        "sample_id": dialogue.sample_id,
        "flags": turn_flags(dialogue),
    }


def image_metadata_of(dialogue: Dialogue, view: View) -> dict[str, Any]:
    """The metadata of a row of images. Trainers would read the key ``video``."""
    return {
        "video_path": view.video(dialogue),
        **metadata_of(dialogue, view),
        "whole_id": dialogue.whole_id,
        "context_turns": dialogue.context_turns,
        "memory": view.memory(dialogue),
    }


def read_chat_row(
    row: Mapping[str, Any],
    video: str,
    system: str,
    pairs: Sequence[tuple[str, str]],
    placeholder: str,
) -> ReadSample:
    """The content of a chat row about ``video``, of which the messages were read already.

    Raises:
        FormatError: ``bad_row``.
    """
    duration_s = optional_number(row, "duration")
    turns, rate = read_turn_messages(pairs, placeholder, optional_number(row, "fps"), duration_s)
    return ReadSample(
        video=video,
        task=text(row.get("task_type", ""), "task_type"),
        **attribution(row),
        questions=turn_questions(turns),
        events=read_events(turns),
        turns=turns,
        sample_id=text(row.get("sample_id", ""), "sample_id"),
        system=system,
        turns_per_s=rate,
        duration_s=duration_s,
    )


def read_image_row(
    row: Mapping[str, Any], system: str, pairs: Sequence[tuple[str, str]], images: object
) -> ReadSample:
    """The content of a row of images, of which the messages were read already.

    Raises:
        FormatError: ``bad_row``.
    """
    paths = texts(images, "images")
    if len(paths) != len(pairs):
        refuse(f"{len(paths)} images for {len(pairs)} turns")
    video = text(row.get("video_path", ""), "video_path")
    memory = text(row.get("memory", ""), "memory")
    if memory and pairs:
        (first, answer), *others = pairs
        if not first.startswith(f"{memory}\n"):
            refuse("the first turn does not begin with the memory")
        pairs = [(first.removeprefix(f"{memory}\n"), answer), *others]
    return replace(
        read_chat_row(row, video, system, pairs, IMAGE),
        whole_id=text(row.get("whole_id", ""), "whole_id"),
        context_turns=count(row.get("context_turns", 0), "context_turns"),
        images=paths,
        memory=memory,
    )
