"""Reads a row of Streamo's raw files as an annotation, in seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from pipeline.corpus.attribution import models_of
from pipeline.corpus.streamo.origin import (
    Origin,
    OriginFound,
    Zero,
    origin_of_rows,
    stated_origin,
)
from pipeline.corpus.streamo.raw_fields import (
    Entry,
    Refused,
    Time,
    began_before,
    check_entry,
    check_time,
    content_of,
    due_of,
    entries_of,
    evidence_of,
    exact_s,
    id_of,
    ids_of,
    is_present,
    read_time,
    seconds_of,
    text_of,
)
from pipeline.dialogue.placement import Refusal
from pipeline.dialogue.tiling import DialogueError
from pipeline.records import Annotation, Question, Response, Span, Video

DEFAULT_QUESTION = "Say what happens in the video, each thing when it is over."

_UNPROBED = Video(
    video_id="",
    uri="",
    duration_s=0,
    width=0,
    height=0,
    rotation_deg=0,
    codec="",
    frame_rate=0,
    sha256="",
)


class RawSample(NamedTuple):
    """The content of a raw row. Texts that it lacks are empty."""

    video_name: str
    video_path: str
    task: str
    source: str
    origin: Zero
    """How the times of its responses were read."""
    duration_s: float | None
    annotation: Annotation
    """Of the video ``video_name``."""
    refused_questions: tuple[Refusal, ...]
    """Those that cannot be used, with their own ids in place of a response's."""
    untimed: tuple[Refusal, ...]
    """Questions whose time cannot be read or is before 0, likewise. They are asked at 0 s."""
    refused: tuple[Refusal, ...]
    """Responses that cannot be used."""
    clamped_starts: int
    """Responses whose span began before the video, and begins at 0 s."""
    licence: str = ""
    """Of the video. Streamo's own rows have none, and name no models; those of ``raw`` do."""
    models: tuple[str, ...] = ()
    """That wrote or verified it, each ``model@revision``."""

    def video(self, uri: str, duration_s: float) -> Video:
        """Its video, of which no more than this is known: nobody has looked into the file."""
        known = {
            "video_id": self.video_name,
            "uri": uri,
            "source": self.source,
            "licence": self.licence,
            "duration_s": duration_s,
        }
        return Video.trusted(vars(_UNPROBED) | known)


def read_raw(
    row: object,
    *,
    number: int,
    origin: Origin | OriginFound = "auto",
    default_question: str = DEFAULT_QUESTION,
) -> RawSample:
    """The annotation ``raw-<number>`` of a row, and the entries that it cannot hold.

    ``origin`` is what was found for the whole file, or else ``auto`` looks at this row alone.

    Questions and responses are objects, lists of them or lists of such lists. Keys that are more
    precise than the raw schema (``time_s``, ``start_s``, ``end_s``,
    ``respond_s``, ``kind``, ``evidence``, ``valid_until_s``, ``due_s`` and what settled it,
    ``options``, ids) win. A response
    answers the question whose ``qid`` it has; else, of as many questions as responses and more than
    one, that in its position; else the latest asked by the time of the response, or the first.
    ``default_question`` is asked at 0 s where the row has none with a text.

    A row that asks something and has no response at all is a negative.

    What begins before 0 begins at 0 s, and what is asked there is asked at 0 s, as in manifests. A
    question whose time cannot be read is asked at 0 s, too, so that its answers have it.

    Every question and response is in the annotation or refused, for ``bad_entry`` (no object),
    ``bad_text`` (not a string, or one that UTF-8 cannot write), ``empty_text``, ``bad_time``,
    ``no_time``, ``before_start`` (it is over by 0 s), ``zero_length_span``, ``reversed_span``,
    ``bad_evidence``, ``duplicate_id`` or ``unknown_qid`` (the question is missing or was refused
    itself).

    Raises:
        DialogueError: ``bad_row`` (no object) or ``no_video_name``.
    """
    if not isinstance(row, Mapping):
        raise DialogueError("bad_row", f"{type(row).__name__} is no object")
    path = _video_path(row)
    name = text_of(row.get("video_name")) or PurePosixPath(path).name
    if not name:
        raise DialogueError("no_video_name", "neither video_name nor video_path nor videos")
    asked, answers = entries_of(row.get("question")), entries_of(row.get("response"))
    of_questions, used = _origins(row, origin)
    questions, unasked, untimed = _questions(asked, of_questions)
    if not questions and all(refusal.reason == "empty_text" for refusal in unasked):
        questions = [Question(qid="q0", text=default_question, asked_s=0.0)]
        asked = []
    known = {question.qid for question in questions}
    paired = 1 < len(asked) == len(answers)
    in_position = ids_of(asked, "qid", "q") if paired else [""] * len(answers)
    responses, refused, clamped = [], [], 0
    seen: set[str] = set()
    for rid, qid, entry in zip(ids_of(answers, "rid", "r"), in_position, answers, strict=True):
        try:
            check_entry(entry, rid, seen)
            fields = _response(entry, rid, used)
            answered = id_of(entry.get("qid")) or qid or _latest(questions, fields["respond_s"])
            if answered not in known:
                raise Refused("unknown_qid", f"it answers {answered!r}")
            fields["qid"] = answered
            responses.append(Response.trusted(fields))
            clamped += fields["start_s"] == 0 and began_before(entry, "start_s", "st_time")
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
            "is_negative": bool(questions and asked) and not answers,
        }
    )
    source = text_of(row.get("source"))
    duration_s = seconds_of(row.get("duration")) or None
    return RawSample(
        video_name=name,
        video_path=path,
        task=task,
        source=source,
        origin=used,
        duration_s=duration_s,
        annotation=annotation,
        refused_questions=tuple(unasked),
        untimed=tuple(untimed),
        refused=tuple(refused),
        clamped_starts=clamped,
        licence=text_of(row.get("licence")),
        models=models_of(text_of(row.get("models"))),
    )


def _questions(
    entries: Sequence[Any], origin: Zero
) -> tuple[list[Question], list[Refusal], list[Refusal]]:
    """The questions, those that are refused, and those that have no time that can be read."""
    questions, refused, untimed = [], [], []
    seen: set[str] = set()
    for qid, entry in zip(ids_of(entries, "qid", "q"), entries, strict=True):
        try:
            check_entry(entry, qid, seen)
            text = content_of(entry)
            asked_s = 0.0
            try:
                time = read_time(entry, "time_s", "time")
                check_time(time, entry, "time_s", "time")
                if time is not None and time.written < 0:
                    raise Refused("before_start", f"time is {time.written:g}")
                asked_s = 0.0 if time is None else time.begins_s(origin)
            except Refused as refusal:
                untimed.append(Refusal(qid, refusal.reason, refusal.detail))
            options = entry.get("options")
            if not isinstance(options, list) or not all(text_of(option) for option in options):
                options = []
            fields = {"qid": qid, "text": text, "asked_s": asked_s, "options": options}
            fields |= {"kind": "", "distractors": [], "asked_by": "given", "depends_on": ""}
            questions.append(Question.trusted(fields))
        except Refused as refusal:
            refused.append(Refusal(qid, refusal.reason, refusal.detail))
    return questions, refused, untimed


def _response(entry: Entry, rid: str, origin: Zero) -> dict[str, Any]:
    """The fields of the response, without its ``qid`` yet."""
    text, kind = content_of(entry), entry.get("kind")
    start, end = read_time(entry, "start_s", "st_time"), read_time(entry, "end_s", "end_time")
    time = None if kind == "event" else read_time(entry, "time_s", "time")
    spanned = start is not None and end is not None
    if kind == "instant" and time is not None:
        spanned = is_present(entry, "start_s") and is_present(entry, "end_s")
    if spanned:
        check_time(start, entry, "start_s", "st_time")
        check_time(end, entry, "end_s", "end_time")
    else:
        check_time(time, entry, "time_s", "time")
        start = end = time
    if start is None or end is None:
        raise Refused("no_time")
    event = spanned and kind != "instant"
    if end.written < start.written:
        raise Refused("reversed_span", _shown_span(start, end))
    if end.written < 0 or (event and start.written < 0 == end.written):
        raise Refused("before_start", _shown_span(start, end))
    start_s = start.begins_s(origin)
    end_s = end.written if spanned else start_s
    if event and end_s <= start_s:
        raise Refused("zero_length_span", _shown_span(start, end))
    respond_s = exact_s(entry, "respond_s")
    if respond_s is None:
        respond_s = end_s if event else start_s
    otherwise = [Span.trusted({"start_s": start_s, "end_s": end_s})] if event else []
    return {
        "rid": rid,
        "qid": "",
        "kind": "event" if event else "instant",
        "text": text,
        "start_s": start_s,
        "end_s": end_s,
        "respond_s": respond_s,
        "valid_until_s": exact_s(entry, "valid_until_s"),
        "evidence": evidence_of(entry, otherwise) if "evidence" in entry else otherwise,
        **due_of(entry),
    }


def _shown_span(start: Time, end: Time) -> str:
    return f"{start.written:g} to {end.written:g}"


def _latest(questions: Sequence[Question], time_s: float) -> str:
    """The id of the last question asked by a time, or of the first; empty where there is none."""
    if len(questions) < 2:
        return questions[0].qid if questions else ""
    before = [q for q in reversed(questions) if q.asked_s <= time_s]
    if before:
        return max(before, key=lambda question: question.asked_s).qid
    return min(questions, key=lambda question: question.asked_s).qid


def _origins(row: Entry, origin: Origin | OriginFound) -> tuple[Zero, Zero]:
    """Of the times of questions, and of those of responses."""
    if isinstance(origin, int):
        return origin, origin
    forced = isinstance(origin, OriginFound) and origin.forced is not None
    stated = None if forced else stated_origin(row)
    if stated is not None:
        return stated, stated
    found = origin_of_rows([row]) if origin == "auto" else origin
    assert isinstance(found, OriginFound)
    return found.questions, found.responses


def _video_path(row: Entry) -> str:
    videos = row.get("videos")
    first = videos[0] if isinstance(videos, list) and videos else videos
    return text_of(row.get("video_path")) or text_of(first)
