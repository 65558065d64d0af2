"""``livecc``: responses as a stream of timed words, for LiveCC and StreamingVLM."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
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
    check_whole,
    checked,
)
from pipeline.corpus.formats.fields import (
    array,
    attribution,
    count,
    mapping,
    number,
    refuse,
    text,
)
from pipeline.corpus.formats.flags import REPEATED, question_flags
from pipeline.records import Dialogue, PlacedResponse
from pipeline.store.durable import put_file, remove_abandoned, unfinished

_DECIMALS = 3


def write(dialogue: Dialogue, view: View) -> list[Row]:
    """The row of a dialogue: a user's message and an assistant's.

    The words of a response are spread evenly from the start of its turn to the start of the turn
    of the next response, or to the end of the video; those of one turn are spread together. Words
    are what single spaces part, so that the text comes back. Their times, like ``video_start`` and
    ``video_end``, are those of the video file, of which the dialogue may be about a clip.
    ``responses`` has for each response its first word, its number of words, its kind, and its exact
    span in seconds of the dialogue; ``flags`` has the flags of each, in the same order.

    Raises:
        FormatError: ``not_carried`` for a window, for anything but one question, and where nothing
            is answered; ``placeholder_in_text`` or ``token_in_text``.
    """
    check_whole(dialogue, "livecc")
    if len(dialogue.questions) != 1:
        detail = f"{dialogue.sample_id} asks {len(dialogue.questions)} questions, a row holds one"
        raise FormatError("not_carried", detail)
    if not dialogue.responses:
        raise FormatError("not_carried", f"{dialogue.sample_id} answers nothing")
    question = dialogue.questions[0]
    stream: list[list[Any]] = []
    responses: list[list[Any]] = []
    for start_s, end_s, together in _intervals(dialogue):
        first = len(stream)
        words: list[str] = []
        for response in together:
            span = [response.kind, response.start_s, response.end_s]
            if REPEATED in response.flags:  # its words are those of the response before
                responses.append([*responses[-1][:2], *span])
                continue
            own = checked(response.text, "a response").split(" ")
            responses.append([first + len(words), len(own), *span])
            words += own
        step_s = (end_s - start_s) / len(words)
        for k, word in enumerate(words):
            times = (start_s + k * step_s, start_s + (k + 1) * step_s)
            stream.append([*(round(time_s, _DECIMALS) for time_s in times), word])
    clip_end_s = dialogue.clip_end_s
    if clip_end_s is None:
        clip_end_s = dialogue.clip_start_s + dialogue.duration_s
    video = {
        "type": "video",
        "video": view.video(dialogue),
        "video_start": dialogue.clip_start_s,
        "video_end": clip_end_s,
    }
    query = {
        "type": "text",
        "text": checked(question.text, "a question"),
        "previous": "",
        "title": "",
        "category": dialogue.task,
        "asked_s": question.asked_s,
        **attribution_of(dialogue),
        "sample_id": dialogue.sample_id,
        "flags": question_flags(dialogue, question),
    }
    answer = {
        "type": "text_stream",
        "text_stream": stream,
        "responses": responses,
        "flags": [list(response.flags) for response in dialogue.responses],
    }
    return [
        [{"role": "user", "content": [video, query]}, {"role": "assistant", "content": [answer]}]
    ]


def read(row: object) -> ReadSample:
    """The content of a row; ``responses`` must be there.

    Raises:
        FormatError: ``bad_row``.
    """
    video, query = _content(row, 0, "user", 2)
    (answer,) = _content(row, 1, "assistant", 1)
    words = [_word(word) for word in array(answer.get("text_stream"), "text_stream")]
    start_s, end_s = (number(video.get(key), key) for key in ("video_start", "video_end"))
    asked = text(query.get("text"), "the query")
    return ReadSample(
        video=text(video.get("video"), "video"),
        task=text(query.get("category", ""), "category"),
        **attribution(query),
        questions=(ReadQuestion(number(query.get("asked_s", 0.0), "asked_s"), asked),),
        events=tuple(
            _event(response, words) for response in array(answer.get("responses"), "responses")
        ),
        sample_id=text(query.get("sample_id", ""), "sample_id"),
        duration_s=max(0.0, end_s - start_s),
    )


def write_livecc(path: Path, rows: Iterable[Row]) -> int:
    """How many rows were written, one a line; the last line lists the byte offset of each.

    The file appears all at once, or, where ``rows`` raise, not at all.
    """
    remove_abandoned(path)
    part = unfinished(path)
    offsets: list[int] = []
    try:
        with part.open("wb") as file:
            for row in rows:
                offsets.append(file.tell())
                file.write(_line(row))
            file.write(_line(offsets))
        put_file(part, path)
    finally:
        part.unlink(missing_ok=True)
    return len(offsets)


def read_livecc(path: Path) -> Iterator[object]:
    """The rows of a file as JSON, without the offsets; null for a line that is no JSON.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            if not isinstance(row, list) or any(isinstance(part, dict) for part in row):
                yield row


def _intervals(dialogue: Dialogue) -> Iterator[tuple[float, float, list[PlacedResponse]]]:
    """From when to when, in seconds of the file, the responses of each turn are spoken."""
    by_turn = [(turn, list(group)) for turn, group in groupby(dialogue.responses, lambda r: r.turn)]
    starts = [dialogue.turns.starts[turn] for turn, _ in by_turn]
    ends = [*starts[1:], dialogue.duration_s]
    for start_s, end_s, (_, together) in zip(starts, ends, by_turn, strict=True):
        yield dialogue.clip_start_s + start_s, dialogue.clip_start_s + end_s, together


def _content(row: object, place: int, role: str, parts: int) -> list[Any]:
    messages = array(row, "the row")
    if len(messages) != 2:
        refuse(f"{len(messages)} messages")
    message = mapping(messages[place], "a message")
    if message.get("role") != role:
        refuse(f"message {place} is not of the {role}")
    content = array(message.get("content"), "a content")
    if len(content) != parts:
        refuse(f"the content of the {role} has {len(content)} parts")
    return [mapping(part, "a part of a content") for part in content]


def _word(word: object) -> str:
    found = array(word, "a word")
    if len(found) != 3:
        refuse("a word has other than three parts")
    number(found[0], "the start of a word")
    number(found[1], "the end of a word")
    return text(found[2], "a word")


def _event(response: object, words: list[str]) -> ExactEvent:
    found = array(response, "a response")
    if len(found) != 5:
        refuse("a response has other than five parts")
    first, many = count(found[0], "a first word"), count(found[1], "a number of words")
    kind = found[2]
    if kind not in ("instant", "event"):
        refuse(f"a response is of kind {kind!r}")
    if many == 0 or first + many > len(words):
        refuse(f"a response has words {first} to {first + many} of {len(words)}")
    return ExactEvent(
        rid="",
        kind=kind,
        text=" ".join(words[first : first + many]),
        start_s=number(found[3], "a start"),
        end_s=number(found[4], "an end"),
    )


def _line(value: Row) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode() + b"\n"


LIVECC = Format(
    "livecc",
    "jsonl",
    needs_images=False,
    write=write,
    read=read,
    save=write_livecc,
    load=read_livecc,
)
