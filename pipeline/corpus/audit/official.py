"""Where the official converter puts each response of a row, and how far its clock drifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from pipeline.corpus.streamo.official_converter import (
    OfficialFailure,
    official_states,
    official_time,
)
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.records import State

ResponseStatus = Literal["kept", "lost_at_the_end", "overwritten", "not_read"]
COMMON_RATES = (23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0)
"""Frames a second of most video files."""
_NAMES: Mapping[str, State] = {
    STATE_TOKENS["official"].silence: "silence",
    STATE_TOKENS["official"].standby: "standby",
}


@dataclass(frozen=True)
class OfficialResponse:
    """What the official converter does with a response, and at which frame it puts it if kept."""

    status: ResponseStatus
    frame: int = -1


@dataclass(frozen=True)
class OfficialRow:
    """The states by name, one a frame; and the responses in the order of the row."""

    states: tuple[State, ...]
    responses: tuple[OfficialResponse, ...]
    first_question: str
    """The row's question that it asks in the first turn; empty where it asks its default."""


def official_outcome(n_frames: int, row: Mapping[str, Any], fps: float) -> OfficialRow:
    """What the official converter makes of a row.

    Raises:
        OfficialFailure: it stops at this row.
    """
    questions, responses = row.get("question", []), row.get("response", [])
    try:
        # The text of each response is its number, by which the remaining ones are identified.
        marked = [
            {**each, "content": f"#{number}" if each.get("content") else ""}
            for number, each in enumerate(responses)
        ]
    except (AttributeError, TypeError) as error:
        raise OfficialFailure(f"{type(error).__name__}: {error}") from error
    messages, asked = official_states(n_frames, questions, marked, fps)
    # Only a response has a text beside its token.
    states: list[State] = [_NAMES.get(message, "response") for message in messages]
    found = {
        int(messages[frame].partition(" #")[2]): frame
        for frame, state in enumerate(states)
        if state == "response"
    }
    outcomes = [
        OfficialResponse("kept", found[number])
        if number in found
        else OfficialResponse(_lost(each, n_frames, fps))
        for number, each in enumerate(marked)
    ]
    first = asked.get(0) or (questions[0].get("content") if questions else "")
    return OfficialRow(tuple(states), tuple(outcomes), f"{first or ''}")


def dangling_standby(states: Sequence[str], *, goes_on: bool = False) -> int:
    """How many runs of standby no response follows. ``goes_on``: more turns follow the last."""
    shown = [*states, "standby" if goes_on else "silence"]
    return list(pairwise(shown)).count(("standby", "silence"))


def official_drift(video_fps: float, fps: float) -> float:
    """The drift of the official converter's clock, in seconds per second of that clock.

    It takes every ``int(video_fps / fps)``-th frame and counts ``1 / fps`` seconds for it.
    """
    stride = max(1, int(video_fps / fps))
    return 1.0 - stride * fps / video_fps


def _lost(response: Mapping[str, Any], n_frames: int, fps: float) -> ResponseStatus:
    start, end = (official_time(response.get(key), fps) for key in ("st_time", "end_time"))
    time = official_time(response.get("time"), fps)
    if not response.get("content"):
        return "not_read"
    if start is not None and end is not None:
        frame = max(0, end - 1) + 1
    elif time is not None:
        frame = max(0, time - 1)
    else:
        return "not_read"
    return "overwritten" if frame < n_frames else "lost_at_the_end"
