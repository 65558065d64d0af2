"""What loaders make of a corpus, in one form: each turn of each sample, by its id.

Needs nothing that a trainer's environment does not have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

Turn = tuple[int, float, str, str, str, str]
"""Index, second at which it starts, state, question, text, SHA-256 of its frame."""
Loaded = dict[str, list[Turn]]


def of_rows(dialogues: Iterable[Mapping[str, Any]], frames: Iterable[Mapping[str, Any]]) -> Loaded:
    """Of rows of the config ``all``, or of a task, and of the config ``frames``."""
    shown = {(row["video_id"], int(row["index"])): row["image"]["bytes"] for row in frames}
    return {
        row["sample_id"]: [
            _turn(turn, shown[row["video_id"], int(turn["index"])]) for turn in row["turns"]
        ]
        for row in dialogues
    }


def of_turns(samples: Iterable[Mapping[str, Any]]) -> Loaded:
    """Of samples of the tars, in any order."""
    found: Loaded = {}
    for sample in samples:
        about, jpeg = sample["json"], sample["jpg"]
        for shown in about["dialogues"]:
            turn = _turn(about | shown, jpeg)
            found.setdefault(shown["sample_id"], []).append(turn)
    return {name: sorted(turns) for name, turns in found.items()}


def of_videos(videos: Iterable[Any]) -> Loaded:
    """Of what ``turnwise.read`` gives."""
    return {
        row["sample_id"]: [_turn(turn, video.frames[turn["index"]].jpeg) for turn in row["turns"]]
        for video in videos
        for row in video.dialogues
    }


def _turn(turn: Mapping[str, Any], jpeg: bytes) -> Turn:
    times = int(turn["index"]), float(turn["start_s"])
    return *times, turn["state"], turn["question"], turn["text"], hashlib.sha256(jpeg).hexdigest()
