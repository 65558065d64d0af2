"""``raw``: annotations in the schema of Streamo's own files, with keys for exact times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from pipeline.corpus.formats.base import (
    ExactEvent,
    Format,
    FormatError,
    ReadQuestion,
    ReadSample,
    Row,
    View,
    check_file,
    check_whole,
    checked,
)
from pipeline.corpus.formats.fields import mapping, optional_number, text
from pipeline.corpus.streamo.raw import Origin, read_raw
from pipeline.dialogue.tiling import EPSILON_S, DialogueError
from pipeline.records import AskedQuestion, Dialogue, PlacedResponse

ORIGIN = 1
"""``time``, ``st_time`` and ``end_time`` count seconds from 1, as the official converter does."""


@dataclass(frozen=True)
class _Place:
    """Where the official converter is to put a response, in whole seconds from 0."""

    response: PlacedResponse
    standby_from: int
    second: int
    """``standby_from`` where there is no standby."""


def write(dialogue: Dialogue, view: View) -> list[Row]:
    """The row of a dialogue.

    ``time``, ``st_time`` and ``end_time`` make the official converter, at a turn a second, give
    the states of the dialogue, as far as it can: it holds one response a second. Responses are in
    turn order; where one is on standby during the turn of an earlier one, the latest comes first,
    since for the converter later entries of the list win. All other keys are exact.

    Raises:
        FormatError: ``not_carried`` for a window or a clip, ``placeholder_in_text`` or
            ``token_in_text``.
    """
    check_whole(dialogue, "raw")
    check_file(dialogue, "raw")
    path = view.video(dialogue)
    turns = dialogue.turns
    asked_s = {qid: turns.starts[at] for at, asked in turns.asked.items() for qid in asked.qids}
    last = max(0, ceil(dialogue.duration_s - EPSILON_S) - 1)
    places = [_place(dialogue, response, last) for response in dialogue.responses]
    if _overwritten(places):
        places.reverse()
    return [
        {
            "video_name": view.name(dialogue),
            "video_path": path,
            "task_type": dialogue.task,
            "source": dialogue.source,
            "question": [_question(q, asked_s[q.qid], last) for q in dialogue.questions],
            "response": [_response(place) for place in places],
            "origin": ORIGIN,
            "duration": dialogue.duration_s,
            "fps": dialogue.turns_per_s,
            "sample_id": dialogue.sample_id,
        }
    ]


def read(
    row: object,
    *,
    number: int = 0,
    origin: Origin = "auto",
) -> ReadSample:
    """The usable content of a row; ``read_raw`` returns the refused entries, too.

    Raises:
        FormatError: ``bad_row``.
    """
    found = mapping(row, "the row")
    sample_id = text(found.get("sample_id", ""), "sample_id")
    rate = optional_number(found, "fps")
    try:
        raw = read_raw(row, number=number, origin=origin)
    except DialogueError as error:
        raise FormatError("bad_row", str(error)) from error
    return ReadSample(
        video=raw.video_path or raw.video_name,
        task=raw.task,
        source=raw.source,
        questions=tuple(ReadQuestion(q.asked_s, q.text) for q in raw.annotation.questions),
        events=tuple(
            ExactEvent(response.rid, response.kind, response.text, response.start_s, response.end_s)
            for response in raw.annotation.responses
        ),
        sample_id=sample_id,
        turns_per_s=rate,
        duration_s=raw.duration_s,
    )


def _question(question: AskedQuestion, asked_s: float, last: int) -> dict[str, Any]:
    return {
        "content": checked(question.text, "a question"),
        "time": min(floor(asked_s + EPSILON_S), last) + 1,
        "qid": question.qid,
        "time_s": question.asked_s,
        "options": list(question.options),
    }


def _response(place: _Place) -> dict[str, Any]:
    response = place.response
    waits = place.standby_from < place.second
    return {
        "content": checked(response.text, "a response"),
        # Standby is from second `st_time` to second `end_time`, both counted from 1.
        "st_time": place.standby_from + 1 if waits else None,
        "end_time": place.second if waits else None,
        "time": None if waits else place.second + 1,
        "rid": response.rid,
        "qid": response.qid,
        "kind": response.kind,
        "start_s": response.start_s,
        "end_s": response.end_s,
        "respond_s": response.respond_s,
        "valid_until_s": response.valid_until_s,
        "evidence": [[span.start_s, span.end_s] for span in response.evidence],
    }


def _place(dialogue: Dialogue, response: PlacedResponse, last: int) -> _Place:
    seconds = (
        min(ceil(dialogue.turns.starts[index] - EPSILON_S), last)
        for index in (response.standby_from, response.turn)
    )
    return _Place(response, *seconds)


def _overwritten(places: Sequence[_Place]) -> bool:
    """Whether, in this order, a standby would overwrite the second of an earlier response."""
    taken: set[int] = set()
    for place in places:
        if not taken.isdisjoint(range(place.standby_from, place.second)):
            return True
        taken.add(place.second)
    return False


RAW = Format("raw", "json", needs_images=False, write=write, read=read)
