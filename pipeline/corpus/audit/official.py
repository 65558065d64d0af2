"""Where the official converter puts each response of a row, and how far its clock runs off."""

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
from pipeline.records import Response

ResponseStatus = Literal["kept", "lost_at_the_end", "overwritten", "not_read"]
COMMON_RATES = (23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 60.0)
"""Frames a second of most video files."""


@dataclass(frozen=True)
class Placed:
    """What became of a response, and the frame at which it stands where it was kept."""

    fate: ResponseStatus
    frame: int = -1


@dataclass(frozen=True)
class OfficialRow:
    """The states by name, one a frame; a place for each response, in the order of the row."""

    states: tuple[str, ...]
    places: tuple[Placed, ...]
    first_question: str
    """What it asks in the first turn; empty where it asks something of its own."""


def official_outcome(n_frames: int, row: Mapping[str, Any], fps: float) -> OfficialRow:
    """What the official converter makes of a row.

    Raises:
        OfficialFailure: it stops at this row.
    """
    questions, responses = row.get("question", []), row.get("response", [])
    try:
        # Each response says its number, so that the ones that are left can be told apart.
        marked = [
            {**each, "content": f"#{number}" if each.get("content") else ""}
            for number, each in enumerate(responses)
        ]
    except (AttributeError, TypeError) as error:
        raise OfficialFailure(f"{type(error).__name__}: {error}") from error
    said, asked = official_states(n_frames, questions, marked, fps)
    found: dict[int, int] = {}
    states = []
    for frame, state in enumerate(said):
        token, _, mark = state.partition(" #")
        states.append(token.strip("</>").lower())
        if mark:
            found[int(mark)] = frame
    places = [
        Placed("kept", found[number]) if number in found else Placed(_lost(each, n_frames, fps))
        for number, each in enumerate(marked)
    ]
    first = asked.get(0) or (questions[0].get("content") if questions else "")
    return OfficialRow(tuple(states), tuple(places), f"{first or ''}")


def complete_s(response: Response) -> float:
    """When the evidence of a response is complete, in seconds: of an instant, once it is there."""
    over_s = response.end_s if response.kind == "event" else response.start_s
    return max([over_s, *(span.end_s for span in response.evidence)])


def dangling_standby(states: Sequence[str], *, goes_on: bool = False) -> int:
    """How many runs of standby no response follows; ``goes_on``: others follow the last state."""
    shown = [*states, "standby" if goes_on else "silence"]
    return sum(pair == ("standby", "silence") for pair in pairwise(shown))


def official_drift(video_fps: float, fps: float) -> float:
    """How far the clock of the official converter runs off, in seconds a second of its own.

    It takes every ``int(video_fps / fps)``-th frame and says that ``1 / fps`` seconds went by.
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
