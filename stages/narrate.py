"""Say what changed from each frame to the next.

reads:  FramedSegment
writes: Change, one for every frame but the first, in order of time, also where nothing changed; a
        turn that shows the frame of the turn before again has none
source: section 4.1 of arXiv:2512.21334, real-time narration, step 2
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints

from pipeline.records import Change, FramedSegment, Reject
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, SampledConfig, Seen
from stages._consistency import spokesman, texts_alike
from stages._reasons import INCONSISTENT


class Config(SampledConfig):
    """How changes are asked for."""

    prompt: str = Field(
        "narrate", description="name of the prompt, a file below prompts/ without its suffix"
    )
    window_s: float = Field(
        2.0,
        gt=0,
        description="seconds that the frames shown reach back, the bound left out; the paper shows"
        " two",
    )


class ChangeSeen(Answer):
    """Whether something changed, and if so what."""

    seen: Seen
    changed: bool
    sentence: Annotated[str, StringConstraints(strip_whitespace=True, max_length=400)]


def cases(rows: VideoRows, config: Config) -> Iterator[Case[FramedSegment] | Reject]:
    """A case for every frame but the first: what changed between it and the frame before.

    It shows all frames of the window.
    """
    every = rows[FramedSegment]
    segments = [s for i, s in enumerate(every) if i == 0 or s.frame_s > every[i - 1].frame_s]
    if len(segments) < 2:
        yield Reject(reason="one_frame")
    for i in range(1, len(segments)):
        before, after = segments[i - 1 : i + 1]
        first = i - 1
        while first > 0 and segments[first - 1].frame_s > after.frame_s - config.window_s:
            first -= 1
        times = {"before_s": printed(before.frame_s), "after_s": printed(after.frame_s)}
        yield Case(after, times, segments[first : i + 1])


def changes_alike(a: ChangeSeen, b: ChangeSeen) -> float:
    """The words that two changes share; two that see none are the same."""
    if a.changed != b.changed:
        return 0.0
    return texts_alike(a.sentence, b.sentence) if a.changed else 1.0


def accept(
    case: Case[FramedSegment], answers: Answers[ChangeSeen], config: Config
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
    version=3,
    reads=(FramedSegment,),
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
