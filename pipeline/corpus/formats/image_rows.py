"""What rows with an image a turn have in common beside what is said in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.corpus.formats.base import ReadSample, View
from pipeline.corpus.formats.fields import count, optional_number, refuse, text, texts
from pipeline.corpus.formats.turn_messages import read_turn_messages, turn_questions
from pipeline.dialogue.read_events import read_events
from pipeline.records import Dialogue

IMAGE = "<image>"


def images_of(dialogue: Dialogue, view: View) -> list[str]:
    """The image of every turn, in order."""
    return [view.image(dialogue, turn.index) for turn in dialogue.turns]


def metadata_of(dialogue: Dialogue, view: View) -> dict[str, Any]:
    """The keys that tell what a row is about. Trainers read none of them: ``video`` they would."""
    path = view.video(dialogue)
    return {
        "video_path": path,
        "video_name": view.name(dialogue),
        "task_type": dialogue.task,
        "source": dialogue.source,
        "fps": dialogue.turns_per_s,
        "duration": dialogue.duration_s,
        "sample_id": dialogue.sample_id,
        "whole_id": dialogue.whole_id,
        "context_turns": dialogue.context_turns,
    }


def read_image_row(
    row: Mapping[str, Any], system: str, pairs: Sequence[tuple[str, str]], images: object
) -> ReadSample:
    """What a row says, of which the chat was read already.

    Raises:
        FormatError: ``bad_row``.
    """
    paths = texts(images, "images")
    if len(paths) != len(pairs):
        refuse(f"{len(paths)} images for {len(pairs)} turns")
    duration_s = optional_number(row, "duration")
    turns, rate = read_turn_messages(pairs, IMAGE, optional_number(row, "fps"), duration_s)
    return ReadSample(
        video=text(row.get("video_path", ""), "video_path"),
        task=text(row.get("task_type", ""), "task_type"),
        source=text(row.get("source", ""), "source"),
        questions=turn_questions(turns),
        events=read_events(turns),
        turns=turns,
        sample_id=text(row.get("sample_id", ""), "sample_id"),
        whole_id=text(row.get("whole_id", ""), "whole_id"),
        context_turns=count(row.get("context_turns", 0), "context_turns"),
        system=system,
        images=paths,
        turns_per_s=rate,
        duration_s=duration_s,
    )
