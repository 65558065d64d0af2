"""The algorithm of the converter in the Streamo repository, turn for turn and byte for byte.

It loses responses, and reads times in its own way; ``compile_turns`` does neither. It serves those
who need the same samples, and comparison.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, ParamSpec, TypeVar

from pipeline.dialogue.state_tokens import STATE_TOKENS

OFFICIAL_QUESTION = "Find all significant events in the video and describe them."
"""The question that it asks where the first one is empty, or there is none."""

_SILENCE = STATE_TOKENS["official"].silence
_STANDBY = STATE_TOKENS["official"].standby
_RESPONSE = STATE_TOKENS["official"].response
_KEPT_KEYS = ("video_name", "task_type", "source")

P = ParamSpec("P")
T = TypeVar("T")


class OfficialFailure(ValueError):
    """A row on which that converter stops, and with it the conversion of the whole file."""


def _failing(function: Callable[P, T]) -> Callable[P, T]:
    """The function, with what an unexpected value raises in it as an ``OfficialFailure``."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except OfficialFailure:
            raise
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise OfficialFailure(f"{type(error).__name__}: {error}") from error

    return call


def official_frame_count(total_frames: int, video_fps: float, fps: float) -> int:
    """How many turns a video of ``total_frames`` has at ``fps`` turns a second.

    Every so many frames one is taken, a number rounded down, so turns drift from seconds where
    ``video_fps`` is no multiple of ``fps``. A ``video_fps`` that is not finite gives 0, which drops
    the row.
    """
    if fps <= 0:
        return total_frames
    try:
        return total_frames // max(1, int(video_fps / fps))
    except (ValueError, OverflowError):
        return 0


@_failing
def official_time(value: Any, fps: float) -> int | None:
    """A time as the number of a turn, counted from 1; None where there is none to be read.

    Numbers and strings of whole numbers are taken as they are, whatever ``fps`` is. Strings of
    fractions and clocks (``MM:SS``, ``HH:MM:SS``) are seconds and are multiplied by it. All are
    rounded towards zero.

    Raises:
        OfficialFailure: The number is not finite.
    """
    return _time(value, fps)


@_failing
def official_states(
    n_frames: int, questions: Any, responses: Any, fps: float
) -> tuple[list[str], dict[int, str]]:
    """The assistant's message in each of ``n_frames`` turns, and the questions by turn. Of two in
    one turn, the later in the list wins.

    Raises:
        OfficialFailure: Not lists of objects, or a time that is not finite.
    """
    states = [_SILENCE] * n_frames
    asked: dict[int, str] = {}
    for question in questions:
        content = question.get("content", "")
        time = _time(question.get("time"), fps)
        if content and time is not None and (frame := max(0, time - 1)) < n_frames:
            asked[frame] = f"{content}"
    for response in responses:
        content = response.get("content", "")
        start = _time(response.get("st_time"), fps)
        end = _time(response.get("end_time"), fps)
        time = _time(response.get("time"), fps)
        frame = n_frames
        if start is not None and end is not None:
            first = max(0, start - 1)
            frame = max(0, end - 1) + 1
            waiting = min(frame, n_frames) - first
            if waiting > 0:
                states[first : first + waiting] = [_STANDBY] * waiting
        elif time is not None:
            frame = max(0, time - 1)
        if content and frame < n_frames:
            states[frame] = f"{_RESPONSE} {content}"
    return states, asked


@_failing
def official_video_path(row: Mapping[str, Any], video_prefix: str = "") -> str:
    """The path of a row's video, behind the prefix; empty where the row names none.

    Raises:
        OfficialFailure: The row is no object, or what it names is no text.
    """
    path = row.get("video_path", "")
    if not path:
        videos = row.get("videos", [])
        path = (videos[0] if isinstance(videos, list) else videos) if videos else ""
    if not isinstance(path, str):
        raise TypeError(f"the path of the video is of type {type(path).__name__}")
    # A Path would tidy the text, and other bytes would come out.
    return os.path.join(video_prefix, path) if video_prefix and path else path  # noqa: PTH118


@_failing
def official_row(
    row: Mapping[str, Any], n_frames: int, *, fps: float, system: str, video_prefix: str = ""
) -> dict[str, Any] | None:
    """A raw row as messages with one ``<stream>`` a turn; None where it is dropped, for want of
    frames or of a video.

    The labels count turns, as if there were one a second, whatever ``fps`` is. Where no question
    is asked in the first turn, the first question is asked there too.

    Raises:
        OfficialFailure: see ``official_states`` and ``official_video_path``.
    """
    path = official_video_path(row, video_prefix)
    if not path or n_frames <= 0:
        return None
    questions = row.get("question", [])
    states, asked = official_states(n_frames, questions, row.get("response", []), fps)
    users = [_label(i) for i in range(n_frames)]
    if 0 not in asked:
        asked[0] = (questions[0].get("content") if questions else "") or OFFICIAL_QUESTION
    for frame, question in asked.items():
        users[frame] = f"{question}\n{users[frame]}"
    messages = [{"role": "system", "content": system}]
    for user, state in zip(users, states, strict=True):
        messages.append({"role": "user", "content": user})
        messages.append({"role": "assistant", "content": state})
    made: dict[str, Any] = {"messages": messages, "videos": [path]}
    for key in _KEPT_KEYS:
        if row.get(key):
            made[key] = row[key]
    return made


@cache
def _label(turn: int) -> str:
    return f"<{turn}s-{turn + 1}s>\n<stream>"


def _time(value: Any, fps: float) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)):
        return int(value)
    text = str(value).strip()
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return int(_seconds(text) * fps)
    except ValueError:
        return None


def _seconds(text: str) -> float:
    match text.split(":"):
        case [seconds]:
            return float(seconds)
        case [minutes, seconds]:
            return float(minutes) * 60 + float(seconds)
        case [hours, minutes, seconds]:
            return float(hours) * 3600 + float(minutes) * 60 + float(seconds)
    raise ValueError(f"no time: {text}")
