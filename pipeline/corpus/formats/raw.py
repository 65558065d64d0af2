"""``raw``: annotations in the schema of Streamo's own files, with keys for exact times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from pipeline.corpus.attribution import attribution_of
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
from pipeline.corpus.formats.flags import REPEATED, question_flags
from pipeline.corpus.streamo.official_converter import official_states
from pipeline.corpus.streamo.origin import Origin
from pipeline.corpus.streamo.raw import read_raw
from pipeline.dialogue.state_tokens import STATE_TOKENS
from pipeline.dialogue.tiling import EPSILON_S, DialogueError
from pipeline.records import AskedQuestion, Dialogue, PlacedResponse

_RESPONSE = STATE_TOKENS["official"].response
_DUE = ("due_s", "due_by", "valid_from_s", "earliest_answerable_s", "confirmed_s", "still_until_s")
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
    the states of the dialogue, as far as it can. It has a turn for every whole second of the video,
    and holds one response a turn: where two are due in one second, or one in the rest behind the
    last whole second, responses are moved to the nearest free second, a later one if there is any,
    and no question comes after its first response. Responses are in turn order; where one is on
    standby during the turn of an earlier one, the latest comes first, since for the converter later
    entries of the list win. All other keys are exact.

    Raises:
        FormatError: ``not_carried`` for a window or a clip, ``placeholder_in_text`` or
            ``token_in_text``.
    """
    check_whole(dialogue, "raw")
    check_file(dialogue, "raw")
    path = view.video(dialogue)
    turns = dialogue.turns
    asked_s = {qid: turns.starts[at] for at, asked in turns.asked.items() for qid in asked.qids}
    last = max(0, _frames(dialogue.duration_s) - 1)
    places = _places(dialogue, last)
    asked_by = {place.response.qid: place.second for place in reversed(places)}
    if _overwritten(places):
        places.reverse()
    return [
        {
            "video_name": view.name(dialogue),
            "video_path": path,
            "task_type": dialogue.task,
            **attribution_of(dialogue),
            "question": [
                {
                    **_question(q, asked_s[q.qid], asked_by.get(q.qid, last)),
                    "flags": question_flags(dialogue, q),
                }
                for q in dialogue.questions
            ],
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
        licence=raw.licence,
        models=raw.models,
        is_negative=raw.annotation.is_negative,
        questions=tuple(ReadQuestion(q.asked_s, q.text) for q in raw.annotation.questions),
        events=tuple(
            ExactEvent(response.rid, response.kind, response.text, response.start_s, response.end_s)
            for response in raw.annotation.responses
        ),
        sample_id=sample_id,
        turns_per_s=rate,
        duration_s=raw.duration_s,
    )


def _question(question: AskedQuestion, asked_s: float, latest: int) -> dict[str, Any]:
    return {
        "content": checked(question.text, "a question"),
        "time": min(floor(asked_s + EPSILON_S), latest) + 1,
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
        **{name: getattr(response, name) for name in _DUE},
        "flags": list(response.flags),
    }


def judge(dialogue: Dialogue, row: Row) -> Mapping[str, int]:
    """What the official converter makes of a row of ``write``, at a turn a second.

    Of responses: ``kept``; of these ``moved``, which are in another second than they are due in;
    ``no_whole_second`` (the video is shorter, and the row is dropped), and ``no_free_second`` (more
    responses than seconds).
    """
    assert isinstance(row, dict)
    frames = _frames(dialogue.duration_s)
    states, _ = official_states(frames, row["question"], row["response"], 1.0)
    said = Counter(states)
    due = {each.rid: _second(dialogue, each.turn) for each in dialogue.responses}
    found: Counter[str] = Counter()
    for response in row["response"]:
        ends, time = response["end_time"], response["time"]
        second = ends if time is None else time - 1
        kept = second < frames and states[second] == f"{_RESPONSE} {response['content']}"
        again = REPEATED in response["flags"]
        if kept and (again or said[states[second]] > 0):
            said[states[second]] -= not again
            found["kept"] += 1
            found["moved"] += second != due[response["rid"]]
        else:
            found["no_free_second" if frames else "no_whole_second"] += 1
    return found


def _frames(duration_s: float) -> int:
    """The turns that the official converter gives a video, at the least: it rounds down."""
    return floor(duration_s + EPSILON_S)


def _second(dialogue: Dialogue, turn: int) -> int:
    """The whole second at which a turn has begun."""
    return ceil(dialogue.turns.starts[turn] - EPSILON_S)


def _places(dialogue: Dialogue, last: int) -> list[_Place]:
    """The places of the responses, in their order: no two in one second while there are as many
    seconds, and none after ``last``. One that says what another said shares its second."""
    repeated = [REPEATED in response.flags for response in dialogue.responses]
    seconds: list[int] = []
    for response, again in zip(dialogue.responses, repeated, strict=True):
        due = _second(dialogue, response.turn)
        least = seconds[-1] + (not again) if seconds else 0
        seconds.append(least if again else max(due, least))
    latest = last
    for number in reversed(range(len(seconds))):
        seconds[number] = max(0, min(seconds[number], latest))
        latest = seconds[number] - (not repeated[number])
    return [
        _Place(response, min(_second(dialogue, response.standby_from), second), second)
        for response, second in zip(dialogue.responses, seconds, strict=True)
    ]


def _overwritten(places: Sequence[_Place]) -> bool:
    """Whether, in this order, a standby would overwrite the second of an earlier response."""
    taken: set[int] = set()
    for place in places:
        if not taken.isdisjoint(range(place.standby_from, place.second)):
            return True
        taken.add(place.second)
    return False


RAW = Format("raw", "json", needs_images=False, write=write, read=read, judge=judge)
