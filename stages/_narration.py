"""What narrating has in common, however many turns an ask is about: frames to show, and changes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from pipeline.records import Change, DenseSegment, FramedSegment, Provenance, Reject, TurnFrame
from pipeline.workflow.stage import Reason
from stages._asking import Answer, SampledConfig, Seen
from stages._consistency import spokesman, texts_alike
from stages._reasons import INCONSISTENT

FrameShown = FramedSegment | TurnFrame
Said = Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]
"""A change in a sentence; empty where there is none."""


class NarrationConfig(SampledConfig):
    """What is shown of a turn."""

    window_s: float = Field(
        2.0,
        gt=0,
        description="seconds that the frames shown reach back from a turn, the bound left out; how"
        " many there are is frames_per_turn of segment. The paper shows two seconds, 4 frames",
    )
    still_levels: float = Field(
        3.0,
        ge=0,
        le=255,
        description="a turn of whose picture no block changed by so many levels of 255 since the"
        " turn before is not asked about: nothing changed, by the still filter. 0 asks about all."
        " Ours; benchmarks/still_windows.py has what others let through",
    )


class ChangeSeen(Answer):
    """Whether something changed, and if so what."""

    seen: Seen
    changed: bool
    sentence: Said


class Pair(NamedTuple):
    """A turn, the one that it is compared with, and the frames that show both."""

    before: DenseSegment
    after: DenseSegment
    frames: Sequence[FrameShown]


def all_frames(turns: Sequence[DenseSegment]) -> list[FrameShown]:
    """The frames of all turns in order of time, each once."""
    found: list[FrameShown] = []
    for turn in turns:
        frames: tuple[FrameShown, ...] = (turn, *turn.further)
        for frame in frames:
            if not found or frame.frame_s > found[-1].frame_s:
                found.append(frame)
    return found


def pairs(every: Sequence[DenseSegment], window_s: float) -> Iterator[Pair]:
    """Each turn but the first with the one before it; a turn that shows the frame of the turn
    before again has none.

    The frames are all of the window, which ends with the first frame of the turn: what is seen in
    the last frame shown can be said in the turn. So of two seconds at two frames each, the one ends
    with the turn before and the other with the turn.
    """
    turns = [s for i, s in enumerate(every) if i == 0 or s.frame_s > every[i - 1].frame_s]
    frames = all_frames(every)
    times = [frame.frame_s for frame in frames]
    for before, after in pairwise(turns):
        # From where the turn begins: its frame may be a little older, and would let in one more.
        since = bisect_right(times, after.start_s - window_s)
        first = min(since, bisect_left(times, before.frame_s))
        yield Pair(before, after, frames[first : bisect_right(times, after.frame_s)])


def is_still(turn: DenseSegment, config: NarrationConfig) -> bool:
    """Whether the picture is known to have stood still since the turn before."""
    return turn.changed_levels is not None and turn.changed_levels < config.still_levels


def still_change(turn: DenseSegment, stage: str) -> Change:
    """That nothing changed, by the still filter: no model is asked."""
    return Change(
        index=turn.index,
        time_s=turn.frame_s,
        changed=False,
        text="",
        provenance=Provenance.of_filter(stage, "still_filter", "1"),
    )


def changes_alike(a: ChangeSeen, b: ChangeSeen) -> float:
    """The words that two changes share; two that see none are the same."""
    if a.changed != b.changed:
        return 0.0
    return texts_alike(a.sentence, b.sentence) if a.changed else 1.0


def change_said(
    after: DenseSegment, answers: Sequence[ChangeSeen], drawn: int, config: NarrationConfig
) -> Change | Reject:
    """The change that speaks for all answers, of so many drawn; one without words, or in dispute,
    is refused."""
    chosen, consistency = spokesman(answers, changes_alike, drawn)
    seen = answers[chosen]
    if seen.changed and not seen.sentence:
        detail = f"a change without words at {after.frame_s:.2f} s"
        return Reject(reason="empty_sentence", detail=detail, row=seen.model_dump_json())
    if consistency < config.min_consistency:
        detail = f"{consistency:.2f} of {drawn} answers at {after.frame_s:.2f} s"
        return Reject(reason="inconsistent", detail=detail, row=seen.model_dump_json())
    return Change(
        index=after.index,
        time_s=after.frame_s,
        changed=seen.changed,
        text=seen.sentence if seen.changed else "",
        consistency=consistency,
    )


REASONS = (
    Reason("one_frame", "The video shows a single frame, so nothing can change.", absence=True),
    Reason("empty_sentence", "The model says that something changed, and not what."),
    INCONSISTENT,
)
