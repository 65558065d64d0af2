"""Merge the summaries of several stretches, side by side, into one of them all.

reads:  Summary (of the level ``middle``)
writes: Summary of the level ``long``, one for each ``middle`` of them; one that is left over is
        merged with none
source: arXiv:2606.08615 (five of 200 s are merged into one: what is the same is said once, the time
        line stays); its prompt is not published
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pipeline.records import Reject, Summary
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import SingleAnswerConfig
from stages._spans import JITTER_S
from stages._summaries import Stretch, StretchSummary, lines_of, summary_of


class Config(SingleAnswerConfig):
    """How summaries are merged."""

    prompt: str = Field(
        "merge_summaries",
        description="name of the prompt, a file below prompts/ without its suffix",
    )
    max_tokens: int = Field(1024, ge=1, description="most tokens of one summary")
    middle: int = Field(
        5, ge=1, description="so many are merged into one; `memory.middle` of remember is the same"
    )
    max_words: int = Field(120, ge=1, description="words that the prompt asks for; ours")


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Stretch] | Reject]:
    """Each full number of summaries that lie side by side from the start of the video on."""
    by_start = {each.start_s: each for each in rows[Summary] if each.level == "middle"}
    found = sorted(by_start.values(), key=lambda each: each.start_s)
    raw_s = min((each.end_s - each.start_s for each in found), default=0.0)
    count = round(found[-1].end_s / raw_s) if found else 0
    if count < config.middle:
        yield Reject(reason="too_few_summaries", detail=f"{count} of {config.middle}")
    for first in range(0, count - config.middle + 1, config.middle):
        start_s, end_s = first * raw_s, (first + config.middle) * raw_s
        here = [each for each in found if start_s - JITTER_S < each.start_s < end_s - JITTER_S]
        if len(here) < config.middle:
            detail = f"{len(here)} of {config.middle} from {start_s} to {end_s} s"
            yield Reject(reason="missing_summary", detail=detail)
            continue
        parents = tuple(dict.fromkeys(name for each in here for name in each.parent_ids))
        calls = {each.provenance.writer for each in here if each.provenance}
        writers = {*calls, *(name for each in here for name in each.writers)}
        stretch = Stretch(start_s, end_s, parents, tuple(sorted(writers)))
        yield Case(stretch, {"lines": lines_of(here), "max_words": config.max_words})


def accept(
    case: Case[Stretch], answers: Answers[StretchSummary], config: Config
) -> Iterator[Summary]:
    """The model's words."""
    yield summary_of("long", case.subject, answers[0].summary)


STAGE = annotation_stage(
    name="merge_summaries",
    version=1,
    reads=(Summary,),
    writes=Summary,
    config=Config,
    answer=StretchSummary,
    variables={"lines": [{"time_s": 200.0, "text": "A ball rolls."}], "max_words": 120},
    cases=cases,
    accept=accept,
    reasons=(
        Reason("too_few_summaries", "There are fewer than are merged into one.", absence=True),
        Reason("missing_summary", "One of those to merge was refused."),
    ),
)
