"""What event grounding asks of a video, as the stages that make negatives of it see it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.records import Annotation

TASK = "event_grounding"


class Wanted(NamedTuple):
    """A question for a real event of a video, and the span of that in seconds."""

    annotation: Annotation
    text: str
    start_s: float
    end_s: float


def wanted(annotations: Sequence[Annotation]) -> Iterator[Wanted]:
    """The questions of event grounding that have an answer; of several answers, the first."""
    for annotation in annotations:
        if annotation.task == TASK and annotation.responses and len(annotation.questions) == 1:
            (question,), first = annotation.questions, annotation.responses[0]
            yield Wanted(annotation, question.text, first.start_s, first.end_s)
