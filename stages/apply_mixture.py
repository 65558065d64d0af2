"""Make the corpus of what was drawn: leave out the other samples, cut silence, weigh the turns.

reads:  Dialogue, TaskMixture
writes: Dialogue, those that were drawn, in order; a Reject for each other one: ``withdrawn``, or
        ``not_drawn``
source: arXiv:2512.21334, sections 3.2 and 4 (states and their imbalance)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from math import floor
from operator import itemgetter

from pydantic import Field

from pipeline.dialogue.silence import masked, trimmed
from pipeline.dialogue.state_counts import StateCounts
from pipeline.dialogue.weights import Preset, weigh
from pipeline.records import Dialogue, Reject, TaskMixture
from pipeline.records.hash_sampling import hash_fraction, sample_rank
from pipeline.workflow.stage import Context, Reason, Stage, StageConfig, VideoRows
from pipeline.workflow.withdrawal import Exclusion, reasons_to_withdraw


class Config(StageConfig, Exclusion):
    """What is withdrawn, and what the turns of a sample count.

    What is withdrawn was drawn all the same, so that the other samples stay as they are.
    """

    weights: Preset | None = Field(
        None,
        description="preset that sets loss and loss_scale of every turn; null leaves them empty",
    )


def run(
    videos: Iterable[VideoRows], config: Config, context: Context
) -> Iterator[Dialogue | Reject]:
    """The samples that were drawn, as they are to be learned from."""
    draws = {(draw.task, draw.is_negative): draw for draw in context.rows(TaskMixture)}
    corpus = sum((states(draw) for draw in draws.values()), StateCounts())
    why_withdrawn = reasons_to_withdraw(config.exclude)

    def passed_over(dialogue: Dialogue) -> bool:
        draw = draws[dialogue.task, dialogue.is_negative]
        rank = sample_rank(dialogue.sample_id, dialogue.video_id, draw.seed, draw.by)
        return rank > draw.last_rank

    for rows in videos:
        # Last, as the first reason is the one told of a video that has no dialogue left.
        ordered = sorted(((passed_over(d), d) for d in rows[Dialogue]), key=itemgetter(0))
        for left_out, dialogue in ordered:
            draw = draws[dialogue.task, dialogue.is_negative]
            if left_out:
                what = "negatives" if draw.is_negative else "samples"
                detail = f"{draw.drawn} of {draw.samples} {what} of {draw.task} were drawn"
                yield _left_out(dialogue, reason="not_drawn", detail=detail)
            elif why := why_withdrawn(dialogue):
                yield _left_out(dialogue, reason="withdrawn", detail=why)
            else:
                yield _as_learned(dialogue, draw, config, corpus)


def _left_out(dialogue: Dialogue, reason: str, detail: str) -> Reject:
    row = json.dumps({"sample_id": dialogue.sample_id})
    return Reject(video_id=dialogue.video_id, reason=reason, detail=detail, row=row)


def states(draw: TaskMixture) -> StateCounts:
    """The turns of a task that are learned from."""
    return StateCounts(silence=draw.n_silence, standby=draw.n_standby, response=draw.n_response)


def _as_learned(
    dialogue: Dialogue, draw: TaskMixture, config: Config, corpus: StateCounts
) -> Dialogue:
    spare = dialogue.n_tail if draw.silence == "trim" else dialogue.n_silence
    if dialogue.is_still:
        spare = 0
    count = floor(draw.cut * spare + hash_fraction(f"{dialogue.sample_id} cut", draw.seed))
    if draw.silence == "trim":
        dialogue = trimmed(dialogue, count)
    if config.weights is not None:
        dialogue = weigh(dialogue, config.weights, seed=draw.seed, corpus=corpus)
    if draw.silence == "mask" or draw.cut_standby:
        silence = count if draw.silence == "mask" else 0
        fraction = hash_fraction(f"{dialogue.sample_id} standby", draw.seed)
        standby = floor(draw.cut_standby * dialogue.n_standby + fraction)
        dialogue = masked(dialogue, silence, standby, draw.seed)
    return dialogue


STAGE = Stage(
    "apply_mixture",
    4,
    (Dialogue, TaskMixture),
    Dialogue,
    Config,
    run,
    reasons=(
        Reason(
            "withdrawn",
            "`corpus.exclude` takes its video or source out; the detail says why.",
            absence=True,
        ),
        Reason(
            "not_drawn",
            "`plan_mixture` did not draw it; see its `shares` and `negatives`.",
            absence=True,
        ),
    ),
)
