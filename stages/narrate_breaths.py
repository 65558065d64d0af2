"""Say what changed from each turn to the next, many turns in one ask, so that a model is shown each
frame about once and its instructions seldom. Stands in a run in place of `narrate`.

reads:  DenseSegment
writes: Change, as `narrate` writes them
source: ours; section 4.1 of arXiv:2512.21334, real-time narration, step 2, asks about every two
        seconds by themselves
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from pipeline.records import Change, DenseSegment, Reject
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import Answer, AnswerTime, Seen
from stages._narration import (
    REASONS,
    ChangeSeen,
    NarrationConfig,
    Pair,
    Said,
    change_said,
    is_still,
    pairs,
    still_change,
)

NAME = "narrate_breaths"
Breath = Sequence[Pair]
"""Turns that follow each other, of which one ask is to tell, and between them those that stand
still; never empty."""


class Config(NarrationConfig):
    """How changes are asked for."""

    prompt: str = Field(
        "narrate_breaths",
        description="name of the prompt, a file below prompts/ without its suffix",
    )
    max_tokens: int = Field(5120, ge=1, description="most tokens of one answer, all its turns")
    turns_per_ask: int = Field(
        30,
        ge=2,
        description="turns that one ask tells of, at most. More show a frame twice less often, and"
        " leave a model more to keep apart",
    )

    def bounds(self) -> Mapping[str, Mapping[str, Any]]:
        """A turn each, in fewer words than where it is alone."""
        return {
            "turns": {"maxItems": self.turns_per_ask},
            "turns.seen": {"maxLength": 120},
            "turns.sentence": {"maxLength": 200},
        }


class TurnSeen(Answer):
    """Of one turn, by the time of its last frame: whether something changed, and if so what."""

    time_s: AnswerTime
    seen: Seen
    changed: bool
    sentence: Said

    @property
    def change(self) -> ChangeSeen:
        """As it would be said by itself."""
        return ChangeSeen(seen=self.seen, changed=self.changed, sentence=self.sentence)


class BreathSeen(Answer):
    """All turns that were asked about, each once."""

    turns: list[TurnSeen]


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Breath] | Change | Reject]:
    """A case for so many turns at a time, without those whose picture stands still."""
    found = [*pairs(rows[DenseSegment], config.window_s)]
    if not found:
        yield Reject(reason="one_frame")
    for breath in breaths(found, config):
        if moving(breath, config):
            yield asked(breath, config)
        else:
            yield from (still_change(pair.after, NAME) for pair in breath)


def moving(breath: Breath, config: Config) -> Breath:
    """The turns of a breath that are asked about."""
    return [pair for pair in breath if not is_still(pair.after, config)]


def breaths(found: Sequence[Pair], config: Config) -> Iterator[Breath]:
    """All turns in order, in pieces of so many that are asked about."""
    first = number = 0
    for place, pair in enumerate(found):
        if is_still(pair.after, config):
            continue
        if number == config.turns_per_ask:
            yield found[first:place]
            first, number = place, 0
        number += 1
    if found:
        yield found[first:]


def asked(breath: Breath, config: Config) -> Case[Breath]:
    """The ask about some turns, which shows each of their frames once."""
    about = moving(breath, config)
    frames = {frame.frame_s: frame for pair in about for frame in pair.frames}
    turns = [
        {"before_s": printed(before.frame_s), "after_s": printed(after.frame_s)}
        for before, after, _ in about
    ]
    times = [turn["after_s"] for turn in turns]
    shown = [frames[time_s] for time_s in sorted(frames)]
    return Case(breath, {"turns": turns}, shown, choices={"turns.time_s": times})


def accept(
    case: Case[Breath], answers: Answers[BreathSeen], config: Config
) -> Iterator[Change | Reject | Case[Breath]]:
    """The change of each turn that an answer has once. A turn that none has so is asked about by
    itself, and refused if that does not help."""
    said: dict[float, list[ChangeSeen]] = {}
    for answer in answers:
        times = Counter(printed(turn.time_s) for turn in answer.turns)
        for turn in answer.turns:
            if times[printed(turn.time_s)] == 1:
                said.setdefault(printed(turn.time_s), []).append(turn.change)
    alone = len(moving(case.subject, config)) == 1
    for pair in case.subject:
        if is_still(pair.after, config):
            yield still_change(pair.after, NAME)
        elif seen := said.get(printed(pair.after.frame_s)):
            yield change_said(pair.after, seen, answers.drawn, config)
        elif not alone:
            yield asked([pair], config)
        else:
            detail = f"at {pair.after.frame_s:.2f} s"
            yield Reject(reason="turn_left_out", detail=detail, row=answers[0].model_dump_json())


def unanswered(case: Case[Breath], config: Config) -> Iterator[Case[Breath] | Change]:
    """Each turn by itself: one answer that failed is not to cost all of them."""
    alone = len(moving(case.subject, config)) == 1
    for pair in case.subject:
        if is_still(pair.after, config):
            yield still_change(pair.after, NAME)
        elif not alone:
            yield asked([pair], config)


STAGE = annotation_stage(
    name=NAME,
    version=1,
    reads=(DenseSegment,),
    writes=Change,
    config=Config,
    answer=BreathSeen,
    variables={"turns": [{"before_s": 1.0, "after_s": 2.0}]},
    cases=cases,
    accept=accept,
    unanswered=unanswered,
    reasons=(
        *REASONS,
        Reason("turn_left_out", "The answer does not have the turn, or has it twice; asked alone."),
    ),
)
