"""A picture of a dialogue: a few of its frames side by side, with the state of their turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np

from pipeline.records import Dialogue, FramedSegment, State

PICTURE: Final = "example.jpg"
"""The file of the picture in a corpus."""
_SHOWN = "frames of the example, with the states of their turns"
_FRAMES = 4
_HEIGHT, _BAR = 144, 28
"""Pixels of a frame, and of the bar below it."""
_QUALITY = 85
_BLUE_GREEN_RED: Mapping[State, tuple[int, int, int]] = {
    "silence": (150, 150, 150),
    "standby": (60, 180, 240),
    "response": (90, 160, 60),
}


def picture_of(dialogue: Dialogue, frames: Sequence[FramedSegment]) -> bytes:
    """A JPEG of at most four turns, those with a response first; empty where no frame can be read.

    ``frames`` are those of the whole video, in order of turns. Same dialogue and frames, same
    bytes, with the same OpenCV.
    """
    shown = [_with_bar(turn, frames) for turn in _chosen(dialogue) if turn.index < len(frames)]
    pictures = [picture for picture in shown if picture is not None]
    if not pictures:
        return b""
    quality = [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    return bytes(cv2.imencode(".jpg", np.hstack(pictures), quality)[1].tobytes())


def in_markdown(file: str) -> str:
    """The picture on the card, a paragraph of its own."""
    return f"![{_SHOWN}]({file})\n\n"


def without_picture(card: str) -> str:
    """A card without it: where frames stay, so does the picture."""
    return card.replace(in_markdown(PICTURE), "", 1)


def _chosen(dialogue: Dialogue) -> list[Any]:
    """Turns in order: such as say something, evenly, then others, evenly."""
    turns = list(dialogue.turns)
    said = _evenly([turn for turn in turns if turn.state == "response"], _FRAMES // 2)
    other = [turn for turn in turns if turn.state != "response"]
    return sorted([*said, *_evenly(other, _FRAMES - len(said))], key=lambda turn: turn.index)


def _evenly(turns: Sequence[Any], number: int) -> list[Any]:
    if len(turns) <= number:
        return list(turns)
    last = len(turns) - 1
    return [turns[round(at * last / max(1, number - 1))] for at in range(number)]


def _with_bar(turn: Any, frames: Sequence[FramedSegment]) -> Any:
    """The frame of a turn at its height above a bar with its time, in the colour of its state."""
    jpeg = np.frombuffer(frames[turn.index].jpeg, np.uint8)
    picture = cv2.imdecode(jpeg, cv2.IMREAD_COLOR) if jpeg.size else None
    if picture is None:
        return None
    height, width = picture.shape[:2]
    size = max(1, round(width * _HEIGHT / height)), _HEIGHT
    bar = np.full((_BAR, size[0], 3), _BLUE_GREEN_RED[turn.state], np.uint8)
    text = f"{turn.start_s:g} s {turn.state}"
    white, font = (255, 255, 255), cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(bar, text, (6, _BAR - 9), font, 0.55, white, 1, cv2.LINE_AA)
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(np.vstack([scaled, bar]), 0, 0, 0, 2, cv2.BORDER_CONSTANT)
