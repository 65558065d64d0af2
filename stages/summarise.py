"""Summarise each stretch of a video, from what was said of it.

reads:  Segment, Annotation (of the tasks named, such as narration)
writes: Summary of the level ``middle``, one for each stretch that is over, in order; of a stretch
        in which nothing was said without a model
source: arXiv:2606.08615 (summaries of 200 s each); what it shows its model, and its prompt, are not
        published
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from pipeline.records import Annotation, Reject, Segment, Summary
from pipeline.workflow.annotation_stage import Answers, Case, annotation_stage, printed
from pipeline.workflow.stage import Reason, VideoRows
from stages._asking import SingleAnswerConfig
from stages._spans import JITTER_S
from stages._summaries import Stretch, StretchSummary, summary_of


class Config(SingleAnswerConfig):
    """How stretches are summarised."""

    prompt: str = Field(
        "summarise", description="name of the prompt, a file below prompts/ without its suffix"
    )
    max_tokens: int = Field(1024, ge=1, description="most tokens of one summary")
    raw_s: float = Field(
        200.0, gt=0, description="seconds of a stretch; `memory.raw_s` of remember is the same"
    )
    tasks: tuple[str, ...] = Field(
        ("narration",),
        min_length=1,
        description="whose responses are summarised; a question and its answer are no summary of"
        " what was seen",
    )
    max_words: int = Field(80, ge=1, description="words that the prompt asks for; ours")
    quiet: str = Field(
        "Nothing changed.",
        min_length=1,
        description="the summary of a stretch in which nothing was said; no model is asked; ours",
    )


def cases(rows: VideoRows, config: Config) -> Iterator[Case[Stretch] | Summary | Reject]:
    """Each stretch that is over when the video ends."""
    said = [
        (response.respond_s, response.text, annotation)
        for annotation in rows[Annotation]
        if annotation.task in config.tasks
        for response in annotation.responses
    ]
    said.sort(key=lambda each: each[:2])
    count = int((rows[Segment][-1].end_s + JITTER_S) // config.raw_s)
    if not count:
        yield Reject(reason="no_stretch", detail=f"of {config.raw_s} s")
    for number in range(count):
        start_s, end_s = number * config.raw_s, (number + 1) * config.raw_s
        here = [each for each in said if start_s <= each[0] < end_s]
        if not here:
            span = {"start_s": start_s, "end_s": end_s}
            yield Summary(level="middle", text=config.quiet, provenance=None, **span)
            continue
        annotations = {each.annotation_id: each for *_, each in here}
        writers = {call.writer for each in annotations.values() for call in each.provenance}
        stretch = Stretch(start_s, end_s, tuple(annotations), tuple(sorted(writers)))
        lines = [{"time_s": printed(time_s), "text": text} for time_s, text, _ in here]
        yield Case(stretch, {"lines": lines, "max_words": config.max_words})


def accept(
    case: Case[Stretch], answers: Answers[StretchSummary], config: Config
) -> Iterator[Summary]:
    """The model's words."""
    stretch = case.subject
    yield summary_of("middle", stretch, answers[0].summary)


STAGE = annotation_stage(
    name="summarise",
    version=1,
    reads=(Segment, Annotation),
    writes=Summary,
    config=Config,
    answer=StretchSummary,
    variables={"lines": [{"time_s": 2.0, "text": "A ball rolls."}], "max_words": 80},
    cases=cases,
    accept=accept,
    reasons=(Reason("no_stretch", "The video is shorter than a stretch.", absence=True),),
)
