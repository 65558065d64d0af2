"""``activation``: when to speak, for models that only decide that: one row a question."""

from __future__ import annotations

from pipeline.corpus.attribution import attribution_of
from pipeline.corpus.formats.base import (
    ExactEvent,
    Format,
    FormatError,
    ReadQuestion,
    ReadSample,
    Row,
    View,
    check_whole,
    checked,
)
from pipeline.corpus.formats.fields import (
    array,
    attribution,
    mapping,
    number,
    optional_number,
    refuse,
    text,
)
from pipeline.corpus.formats.flags import question_flags
from pipeline.records import Dialogue
from pipeline.records.hash_sampling import hash_fraction

POSITIVE_TAIL = (0.0, 0.5)
"""Between these a trainer draws the share of a segment, at its end, in which to speak is right
(StreamBridge, arXiv:2505.05467)."""


def positive_from_s(
    start_s: float, end_s: float, tail: tuple[float, float], name: str, seed: int
) -> float:
    """From when on to speak is right in a segment, in seconds: its last share P is positive, with P
    drawn evenly from ``tail`` by hash of a name, such as that of the sample, the segment and the
    epoch. It is drawn when the row is read, so that another epoch has another."""
    low, high = tail
    return end_s - (low + (high - low) * hash_fraction(name, seed)) * (end_s - start_s)


def write(dialogue: Dialogue, view: View) -> list[Row]:
    """A row for each question, with the responses to it as segments in the order of turns.

    Raises:
        FormatError: ``not_carried`` for a window or where nothing is asked, or
            ``placeholder_in_text`` or ``token_in_text``.
    """
    check_whole(dialogue, "activation")
    if not dialogue.questions:
        raise FormatError("not_carried", f"{dialogue.sample_id} asks nothing")
    path = view.video(dialogue)
    return [
        {
            "video": path,
            "video_name": view.name(dialogue),
            **attribution_of(dialogue),
            "is_negative": question.is_negative,
            "task": question.task,
            "query": checked(question.text, "a question"),
            "asked_s": question.asked_s,
            "duration": dialogue.duration_s,
            "segments": [
                {
                    "start": response.start_s,
                    "end": response.end_s,
                    "description": checked(response.text, "a response"),
                    "kind": response.kind,
                    "rid": response.rid,
                    "flags": list(response.flags),
                }
                for response in dialogue.responses
                if response.qid == question.qid
            ],
            "positive_tail": list(POSITIVE_TAIL),
            "sample_id": dialogue.sample_id,
            "qid": question.qid,
            "flags": question_flags(dialogue, question),
        }
        for question in dialogue.questions
    ]


def read(row: object) -> ReadSample:
    """The content of a row, with its one question.

    Raises:
        FormatError: ``bad_row``.
    """
    found = mapping(row, "the row")
    query = text(found.get("query"), "query")
    return ReadSample(
        video=text(found.get("video"), "video"),
        task=text(found.get("task", ""), "task"),
        **attribution(found),
        questions=(ReadQuestion(number(found.get("asked_s"), "asked_s"), query),),
        events=tuple(_event(segment) for segment in array(found.get("segments"), "segments")),
        sample_id=text(found.get("sample_id", ""), "sample_id"),
        duration_s=optional_number(found, "duration"),
    )


def _event(segment: object) -> ExactEvent:
    found = mapping(segment, "a segment")
    kind = found.get("kind")
    if kind not in ("instant", "event"):
        refuse(f"a segment is of kind {kind!r}")
    return ExactEvent(
        rid=text(found.get("rid", ""), "rid"),
        kind=kind,
        text=text(found.get("description"), "description"),
        start_s=number(found.get("start"), "start"),
        end_s=number(found.get("end"), "end"),
    )


ACTIVATION = Format("activation", "jsonl", needs_images=False, write=write, read=read)
