"""Summaries of stretches of a video, as the stages that write them share them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, NamedTuple

from pydantic import StringConstraints

from pipeline.records import THIS_CALL, MemoryLevel, Summary
from pipeline.workflow.annotation_stage import printed
from stages._asking import Answer

SUMMARY_CHARACTERS = 1600


class StretchSummary(Answer):
    """What happened."""

    summary: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=SUMMARY_CHARACTERS),
    ]


class Stretch(NamedTuple):
    """A stretch ``[start_s, end_s)``, and what was said in it."""

    start_s: float
    end_s: float
    parent_ids: tuple[str, ...]
    writers: tuple[str, ...]


def summary_of(level: MemoryLevel, stretch: Stretch, text: str) -> Summary:
    """The summary that a model wrote of a stretch, or of several side by side."""
    return Summary.model_validate(
        {
            "level": level,
            "start_s": stretch.start_s,
            "end_s": stretch.end_s,
            "text": text,
            "provenance": THIS_CALL,
            "parent_ids": list(stretch.parent_ids),
            "writers": list(stretch.writers),
        }
    )


def lines_of(summaries: Sequence[Summary]) -> list[dict[str, float | str]]:
    """Summaries as the lines of a prompt."""
    return [{"time_s": printed(each.start_s), "text": each.text} for each in summaries]
