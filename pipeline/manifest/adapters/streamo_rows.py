"""Rows of Streamo's raw files, read as ``convert`` and ``audit`` read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import SkipValidation

from pipeline.corpus.streamo.origin import origin_of_rows
from pipeline.corpus.streamo.raw import RawSample, read_raw
from pipeline.dialogue.tiling import DialogueError
from pipeline.manifest.adapters.adapter import RawRecord
from pipeline.manifest.adapters.entry import Reading, Unread
from pipeline.manifest.adapters.layouts import json_list


class Raw(RawRecord):
    """A row, with times in seconds; a question without a text has an empty one."""

    sample: SkipValidation[RawSample]


def raw_rows(path: Path) -> Iterator[tuple[str, Any]]:
    """The rows of a file; after each, as unread, its questions and responses that ``read_raw``
    refuses, with the reasons of that. What its times mean is decided by all rows (``OriginFound``),
    for which the file is read twice, and comes first."""
    times = origin_of_rows(row for _, row in json_list(path))
    if times.rows or times.stated:
        yield "", Reading("; ".join(filter(None, [times.to_text(), times.mixture()])))
    for pointer, row in json_list(path):
        if isinstance(row, Unread):
            yield pointer, row
            continue
        if isinstance(row, dict) and "response" not in row:
            yield pointer, Unread(pointer, "no_response", "a raw row has the key response")
            continue
        try:
            sample = read_raw(row, number=int(pointer), origin=times, default_question="")
        except DialogueError as error:
            yield pointer, Unread(pointer, error.reason, error.detail)
            continue
        yield pointer, {"sample": sample}
        for key, refusals in (
            ("question", sample.refused_questions),
            ("response", sample.refused),
        ):
            for refusal in refusals:
                where = f"{pointer}/{key}/{refusal.rid}"
                yield where, Unread(where, refusal.reason, refusal.detail)
