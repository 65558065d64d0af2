"""Reads a row of Streamo's raw files as an annotation, in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath
from typing import Any, Literal

from pipeline.corpus.streamo.raw_fields import (
    Entry,
    Refused,
    check_entry,
    content_of,
    entries_of,
    exact_s,
    id_of,
    ids_of,
    is_entry,
    is_present,
    seconds_of,
    shown,
    text_of,
    time_of,
    written_time,
)
from pipeline.dialogue.placement import Refusal
from pipeline.dialogue.tiling import DialogueError
from pipeline.records import Annotation, Question, Response, Span

DEFAULT_QUESTION = "Say what happens in the video, each thing when it is over."

Origin = Literal["auto", 0, 1]
"""What ``time``, ``st_time`` and ``end_time`` of a row mean.

1: they count seconds from 1, as the official converter reads them: a question or an instant at
``t`` is in the second ``[t - 1, t)``, an event takes the seconds ``st_time`` to ``end_time``, both
included. 0: they measure seconds from the start: a question or an instant is at ``t``, an event is
``[st_time, end_time)``. ``auto``: the key ``origin`` of the row, else 1 where all its times
are whole numbers, else 0. Clocks (``MM:SS``, ``HH:MM:SS``) always measure.
"""


_TIMES = (("time_s", "time"), ("start_s", "st_time"), ("end_s", "end_time"))
"""The keys of a time: the exact one, and the one that may count seconds."""


@dataclass(frozen=True)
class RawSample:
    """The content of a raw row. Texts that it lacks are empty."""

    video_name: str
    video_path: str
    task: str
    source: str
    origin: Literal[0, 1]
    """How its times were read."""
    duration_s: float | None
    annotation: Annotation
    """Of the video ``video_name``."""
    refused_questions: tuple[Refusal, ...]
    """Those that cannot be used, with their own ids in place of a response's."""
    refused: tuple[Refusal, ...]
    """Responses that cannot be used."""


def read_raw(
    row: object,
    *,
    number: int,
    origin: Origin = "auto",
    default_question: str = DEFAULT_QUESTION,
) -> RawSample:
    """The annotation ``raw-<number>`` of a row, and the entries that it cannot hold.

    Questions and responses are objects, lists of them or lists of such lists. Keys that are more
    precise than the raw schema (``time_s``, ``start_s``, ``end_s``,
    ``respond_s``, ``kind``, ``evidence``, ``valid_until_s``, ``options``, ids) win. A response
    answers the question whose ``qid`` it has; else, of as many questions as responses and more than
    one, that in its position; else the latest asked by the time of the response, or the first.
    ``default_question`` is asked at 0 s where the row has none with a text.

    Every question and response is in the annotation or refused, for ``bad_entry`` (no object),
    ``bad_text`` (not a string, or one that UTF-8 cannot write), ``empty_text``, ``bad_time``,
    ``no_time``, ``zero_length_span``, ``reversed_span``, ``bad_evidence``, ``duplicate_id`` or
    ``unknown_qid`` (the question is missing or was refused itself).

    Raises:
        DialogueError: ``bad_row`` (no object) or ``no_video_name``.
    """
    if not isinstance(row, Mapping):
        raise DialogueError("bad_row", f"{type(row).__name__} is no object")
    path = _video_path(row)
    name = text_of(row.get("video_name")) or PurePosixPath(path).name
    if not name:
        raise DialogueError("no_video_name", "neither video_name nor video_path nor videos")
    asked = list(entries_of(row.get("question")))
    answers = list(entries_of(row.get("response")))
    used = _origin(row, origin, asked, answers)
    questions, unasked = _questions(asked, used)
    if not questions and all(refusal.reason == "empty_text" for refusal in unasked):
        questions = [Question(qid="q0", text=default_question, asked_s=0.0)]
        asked = []
    known = {question.qid for question in questions}
    paired = 1 < len(asked) == len(answers)
    in_position = ids_of(asked, "qid", "q") if paired else [""] * len(answers)
    responses, refused = [], []
    seen: set[str] = set()
    for rid, qid, entry in zip(ids_of(answers, "rid", "r"), in_position, answers, strict=True):
        try:
            check_entry(entry, rid, seen)
            fields = _response(entry, rid, used)
            answered = id_of(entry.get("qid")) or qid or _latest(questions, fields["respond_s"])
            if answered not in known:
                raise Refused("unknown_qid", f"it answers {answered!r}")
            responses.append(Response.trusted(fields | {"qid": answered}))
        except Refused as refusal:
            refused.append(Refusal(rid, refusal.reason, refusal.detail))
    task = text_of(row.get("task_type")) or "unknown"
    annotation = Annotation.trusted(
        {
            "video_id": name,
            "annotation_id": f"raw-{number}",
            "task": task,
            "aspect": "",
            "questions": questions,
            "responses": responses,
            "checks": [],
            "provenance": [],
            "origins": [],
            "parent_ids": [],
        }
    )
    source = text_of(row.get("source"))
    duration_s = seconds_of(row.get("duration")) or None
    return RawSample(
        name, path, task, source, used, duration_s, annotation, tuple(unasked), tuple(refused)
    )


def _questions(
    entries: Sequence[Any], origin: Literal[0, 1]
) -> tuple[list[Question], list[Refusal]]:
    questions, refused = [], []
    seen: set[str] = set()
    for qid, entry in zip(ids_of(entries, "qid", "q"), entries, strict=True):
        try:
            check_entry(entry, qid, seen)
            text = content_of(entry)
            time = time_of(entry, "time_s", "time")
            asked_s = 0.0 if time is None else time.begins_s(origin)
            options = entry.get("options")
            if not isinstance(options, list) or not all(text_of(option) for option in options):
                options = []
            fields = {"qid": qid, "text": text, "asked_s": asked_s, "options": options}
            questions.append(Question.trusted(fields))
        except Refused as refusal:
            refused.append(Refusal(qid, refusal.reason, refusal.detail))
    return questions, refused


def _response(entry: Entry, rid: str, origin: Literal[0, 1]) -> dict[str, Any]:
    """The fields of the response, without its ``qid`` yet."""
    text = content_of(entry)
    kind = entry.get("kind")
    timed = kind != "event" and is_present(entry, "time_s", "time")
    spanned = is_present(entry, "start_s", "st_time") and is_present(entry, "end_s", "end_time")
    if kind == "instant" and timed:
        spanned = is_present(entry, "start_s") and is_present(entry, "end_s")
    if spanned:
        start, end = time_of(entry, "start_s", "st_time"), time_of(entry, "end_s", "end_time")
    elif timed:
        start = end = time_of(entry, "time_s", "time")
    else:
        start = end = None
    if start is None or end is None:
        raise Refused("no_time")
    event = spanned and kind != "instant"
    if end.written < start.written or (event and end.written == start.written):
        reason = "reversed_span" if end.written < start.written else "zero_length_span"
        raise Refused(reason, f"{start.written:g} to {end.written:g}")
    start_s = start.begins_s(origin)
    end_s = end.written if spanned else start_s
    respond_s = exact_s(entry, "respond_s")
    if respond_s is None:
        respond_s = end_s if event else start_s
    span = {"start_s": start_s, "end_s": end_s}
    return {
        "rid": rid,
        "qid": "",
        "kind": "event" if event else "instant",
        "text": text,
        **span,
        "respond_s": respond_s,
        "valid_until_s": exact_s(entry, "valid_until_s"),
        "evidence": _evidence(entry, [Span.trusted(span)] if event else []),
    }


def _evidence(entry: Entry, otherwise: list[Span]) -> list[Span]:
    if "evidence" not in entry or not is_present(entry, "evidence"):
        return otherwise
    pairs = entry["evidence"]
    spans = []
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        ends = [pair.get("start_s"), pair.get("end_s")] if isinstance(pair, Mapping) else pair
        seconds = [seconds_of(end) for end in ends] if isinstance(ends, list) else []
        if len(seconds) != 2 or seconds[0] is None or seconds[1] is None:
            raise Refused("bad_evidence", shown(pair))
        spans.append(Span(start_s=seconds[0], end_s=seconds[1]))
    return spans


def _latest(questions: Sequence[Question], time_s: float) -> str:
    """The id of the last question asked by a time, or of the first; empty where there is none."""
    if len(questions) < 2:
        return questions[0].qid if questions else ""
    before = [q for q in reversed(questions) if q.asked_s <= time_s]
    if before:
        return max(before, key=lambda question: question.asked_s).qid
    return min(questions, key=lambda question: question.asked_s).qid


def _origin(
    row: Entry, origin: Origin, asked: Sequence[Any], answers: Sequence[Any]
) -> Literal[0, 1]:
    stated = row.get("origin") if origin == "auto" else origin
    if stated in (0, 1) and isinstance(stated, int):
        return 1 if stated else 0
    of_questions = ((entry, keys) for entry in asked for keys in _TIMES[:1])
    of_responses = ((entry, keys) for entry in answers for keys in _TIMES)
    for entry, keys in chain(of_questions, of_responses):
        if is_entry(entry) and _is_fraction(entry, *keys):
            return 0
    return 1


def _is_fraction(entry: Entry, exact_key: str, key: str) -> bool:
    """Whether a time of an entry is there that is no count of seconds."""
    value = entry.get(key)
    if value is None or value == "" or (exact_key in entry and is_present(entry, exact_key)):
        return False
    time = written_time(value)
    return time is not None and not time.whole


def _video_path(row: Entry) -> str:
    videos = row.get("videos")
    first = videos[0] if isinstance(videos, list) and videos else videos
    return text_of(row.get("video_path")) or text_of(first)
