"""Say what changed from each turn to the next.

reads:  DenseSegment
writes: Change, one for every turn but the first, in order of time, also where nothing changed; a
        turn that shows the frame of the turn before again has none. Of a turn whose picture stands
        still no model is asked: the still filter writes that nothing changed
source: section 4.1 of arXiv:2512.21334, real-time narration, step 2; its supplement, table 15,
        shows two seconds at two frames each
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated

from pydantic import Field, StringConstraints

from pipeline.records import Change, DenseSegment, FramedSegment, Provenance, Reject, TurnFrame
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, SampledConfig, Seen
from stages._consistency import spokesman, texts_alike
from stages._reasons import INCONSISTENT

STILL_FILTER = Provenance.of_filter("narrate", "still_filter", "1")


class Config(SampledConfig):
    """How changes are asked for."""

    prompt: str = Field(
        "narrate", description="name of the prompt, a file below prompts/ without its suffix"
    )
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
    sentence: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]


def all_frames(turns: Sequence[DenseSegment]) -> list[FramedSegment | TurnFrame]:
    """The frames of all turns in order of time, each once."""
    found: list[FramedSegment | TurnFrame] = []
    for turn in turns:
        frames: tuple[FramedSegment | TurnFrame, ...] = (turn, *turn.further)
        for frame in frames:
            if not found or frame.frame_s > found[-1].frame_s:
                found.append(frame)
    return found


def is_still(turn: DenseSegment, config: Config) -> bool:
    """Whether the picture is known to have stood still since the turn before."""
    return turn.changed_levels is not None and turn.changed_levels < config.still_levels


def cases(rows: VideoRows, config: Config) -> Iterator[Case[DenseSegment] | Change | Reject]:
    """A case for every turn but the first: what changed between the turn before and it; or that
    nothing did, where the picture stands still.

    It shows all frames of the window, which ends with the first frame of the turn: what is seen in
    the last frame shown can be told in the turn. So of two seconds at two frames each, the one ends
    with the turn before and the other with the turn.
    """
    every = rows[DenseSegment]
    turns = [s for i, s in enumerate(every) if i == 0 or s.frame_s > every[i - 1].frame_s]
    if len(turns) < 2:
        yield Reject(reason="one_frame")
    frames = all_frames(every)
    times = [frame.frame_s for frame in frames]
    for before, after in pairwise(turns):
        if is_still(after, config):
            yield Change(
                index=after.index,
                time_s=after.frame_s,
                changed=False,
                text="",
                provenance=STILL_FILTER,
            )
            continue
        # From where the turn begins: its frame may be a little older, and would let in one more.
        since = bisect_right(times, after.start_s - config.window_s)
        first = min(since, bisect_left(times, before.frame_s))
        shown = frames[first : bisect_right(times, after.frame_s)]
        variables = {"before_s": printed(before.frame_s), "after_s": printed(after.frame_s)}
        yield Case(after, variables, shown)


def changes_alike(a: ChangeSeen, b: ChangeSeen) -> float:
    """The words that two changes share; two that see none are the same."""
    if a.changed != b.changed:
        return 0.0
    return texts_alike(a.sentence, b.sentence) if a.changed else 1.0


def accept(
    case: Case[DenseSegment], answers: Answers[ChangeSeen], config: Config
) -> Iterator[Change | Reject]:
    """The change that speaks for all answers; one without words, or in dispute, is refused."""
    chosen, consistency = spokesman(answers, changes_alike, answers.drawn)
    seen, after = answers[chosen], case.subject
    if seen.changed and not seen.sentence:
        detail = f"a change without words at {after.frame_s:.2f} s"
        yield Reject(reason="empty_sentence", detail=detail, row=seen.model_dump_json())
    elif consistency < config.min_consistency:
        detail = f"{consistency:.2f} of {answers.drawn} answers at {after.frame_s:.2f} s"
        yield Reject(reason="inconsistent", detail=detail, row=seen.model_dump_json())
    else:
        yield Change(
            index=after.index,
            time_s=after.frame_s,
            changed=seen.changed,
            text=seen.sentence if seen.changed else "",
            consistency=consistency,
        )


STAGE = annotation_stage(
    name="narrate",
    version=5,
    reads=(DenseSegment,),
    writes=Change,
    config=Config,
    answer=ChangeSeen,
    variables={"before_s": 1.0, "after_s": 2.0},
    cases=cases,
    accept=accept,
    reasons=(
        Reason("one_frame", "The video shows a single frame, so nothing can change.", absence=True),
        Reason("empty_sentence", "The model says that something changed, and not what."),
        INCONSISTENT,
    ),
)
