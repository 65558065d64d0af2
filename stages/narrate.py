"""Say what changed from each turn to the next, each by an ask of its own.

reads:  DenseSegment
writes: Change, one for every turn but the first, in order of time, also where nothing changed; a
        turn that shows the frame of the turn before again has none. Of a turn whose picture stands
        still no model is asked: the still filter writes that nothing changed
source: section 4.1 of arXiv:2512.21334, real-time narration, step 2; its supplement, table 15,
        shows two seconds at two frames each
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pipeline.records import Change, DenseSegment, Reject
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import VideoRows
from stages._narration import (
    REASONS,
    ChangeSeen,
    NarrationConfig,
    change_said,
    is_still,
    pairs,
    still_change,
)


class Config(NarrationConfig):
    """How changes are asked for."""

    prompt: str = Field(
        "narrate", description="name of the prompt, a file below prompts/ without its suffix"
    )


def cases(rows: VideoRows, config: Config) -> Iterator[Case[DenseSegment] | Change | Reject]:
    """A case for every turn but the first: what changed between the turn before and it; or that
    nothing did, where the picture stands still."""
    found = [*pairs(rows[DenseSegment], config.window_s)]
    if not found:
        yield Reject(reason="one_frame")
    for before, after, frames in found:
        if is_still(after, config):
            yield still_change(after, "narrate")
            continue
        variables = {"before_s": printed(before.frame_s), "after_s": printed(after.frame_s)}
        yield Case(after, variables, frames)


def accept(
    case: Case[DenseSegment], answers: Answers[ChangeSeen], config: Config
) -> Iterator[Change | Reject]:
    """The change that speaks for all answers; one without words, or in dispute, is refused."""
    yield change_said(case.subject, answers, answers.drawn, config)


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
    reasons=REASONS,
)
