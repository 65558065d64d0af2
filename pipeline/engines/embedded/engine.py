"""The engine without a model: it measures the pixels of the frames and answers from that.

It recognises plain shapes on plain backgrounds, scene cuts, brightness and motion. It uses nothing
but the ask, so that equal asks have equal replies.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import inf
from threading import Lock
from typing import Any

from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.embedded import texts
from pipeline.engines.embedded.changes import MOST_SEEN, NOTHING, change_of, describe, looks
from pipeline.engines.embedded.clip_question import clip_question
from pipeline.engines.embedded.context_answers import CONTEXT_ANSWERS
from pipeline.engines.embedded.events import events_of, locate
from pipeline.engines.embedded.generic import (
    Facts,
    UnsupportedAskError,
    UnsupportedSchemaError,
    answer_to,
)
from pipeline.engines.embedded.near_miss import near_miss
from pipeline.engines.embedded.observe import BadFrameError, Observation, observe
from pipeline.engines.embedded.points import points_of
from pipeline.engines.embedded.questions import answer_at_end, question_of
from pipeline.engines.embedded.tracks import Film, film_of
from pipeline.engines.embedded.trajectory_answers import TRAJECTORY_ANSWERS
from pipeline.engines.embedded.vectors import vector_of_picture, vector_of_text
from pipeline.engines.embedding import Embedding

KEPT_OBSERVATIONS = 8192
PRINTED_S = 0.01
"""The variables of a prompt state times to this precision."""

Variables = Mapping[str, Any]


class Observations:
    """Measures frames, and caches the latest, so that no frame is measured twice.

    Safe to use from several threads at once.
    """

    def __init__(self, most: int = KEPT_OBSERVATIONS) -> None:
        """Caches at most ``most`` observations, by digest of the JPEG."""
        self._most = most
        self._kept: OrderedDict[bytes, Observation] = OrderedDict()
        self._lock = Lock()

    def __call__(self, jpeg: bytes) -> Observation:
        """The observation of a frame.

        Raises:
            BadFrameError: the bytes are no image.
        """
        key = hashlib.sha256(jpeg).digest()
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        seen = observe(jpeg)
        with self._lock:
            self._kept[key] = seen
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return seen


class EmbeddedEngine:
    """Answers from pixels alone, on the CPU. Its samples of one ask are all alike."""

    version = "1"

    def __init__(self) -> None:
        """Starts with an empty cache."""
        self._observations = Observations()

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``. The samples of an ask are equal, and asks come in their order.

        A frame that is no image gives the error ``bad_frame``; an ask without the variables that
        its kind of answer needs, or with a schema that is not understood, ``unsupported``.
        """
        for i, ask in enumerate(asks):
            yield i, [self._reply(ask)] * sampling.samples

    def _reply(self, ask: Ask) -> Reply:
        try:
            observations = [self._observations(frame.jpeg) for frame in ask.frames]
        except BadFrameError as error:
            return Reply(ask.request_id, error="bad_frame", detail=str(error))
        if ask.answer_schema.get("title") == Embedding.__name__:
            return Reply(ask.request_id, text=_embedding(observations, ask.text).model_dump_json())
        film = film_of([frame.time_s for frame in ask.frames], observations)
        try:
            answer = _answer(ask, film)
        except (UnsupportedAskError, UnsupportedSchemaError) as error:
            return Reply(ask.request_id, error="unsupported", detail=str(error))
        return Reply(ask.request_id, text=json.dumps(answer, ensure_ascii=False))

    def close(self) -> None:
        """Does nothing: there is nothing to release."""


def _embedding(observations: Sequence[Observation], text: str) -> Embedding:
    """Of the first picture, or where none is shown of the text."""
    if observations:
        return Embedding.of(vector_of_picture(observations[0]))
    return Embedding.of(vector_of_text(text))


def _answer(ask: Ask, film: Film) -> Any:
    title = str(ask.answer_schema.get("title", ""))
    if title not in ANSWERS:
        return _generic(ask.answer_schema, film)
    answer, needs = ANSWERS[title]
    missing = sorted(set(needs) - set(ask.variables))
    if missing:
        raise UnsupportedAskError(f"{title} needs the variables {missing}")
    try:
        return answer(film, ask.variables)
    except UnsupportedAskError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise UnsupportedAskError(f"{title} with variables of another kind: {error}") from error


def _change_seen(film: Film, variables: Variables) -> Any:
    # Without a time to compare with, the first frame is it.
    return _change(film, _float(variables.get("before_s", 0.0)), inf)


def _breath_seen(film: Film, variables: Variables) -> Any:
    turns = [(_float(turn["before_s"]), _float(turn["after_s"])) for turn in variables["turns"]]
    return {
        "turns": [
            {"time_s": after_s, **_change(film, before_s, after_s)} for before_s, after_s in turns
        ]
    }


def _change(film: Film, before_s: float, after_s: float) -> Any:
    first = sum(time_s < before_s - PRINTED_S for time_s in film.times)
    shown = film.observations[first : sum(time_s < after_s + PRINTED_S for time_s in film.times)]
    sentence = change_of(shown)
    return {"seen": looks(shown), "changed": bool(sentence), "sentence": sentence}


def _narration(film: Film, variables: Variables) -> Any:
    lines = [(_float(line["time_s"]), str(line["sentence"])) for line in variables["lines"]]
    found = texts.narration(lines, _int(variables["max_words"]))
    sentences = [{"time_s": time_s, "sentence": sentence} for time_s, sentence in found]
    seen = f"{len(found)} of {len(lines)} lines are worth saying."
    return {"seen": seen, "negative": not sentences, "lines": sentences}


def _events(film: Film, variables: Variables) -> Any:
    duration_s, most = _float(variables["duration_s"]), _int(variables["max_events"])
    found = events_of(film, str(variables["focus"]), duration_s, most)
    return {"events": [{"caption": text, "start_s": a, "end_s": b} for (a, b), text in found]}


def _span_seen(film: Film, variables: Variables) -> Any:
    span = locate(film, str(variables["caption"]), _float(variables["duration_s"]))
    start_s, end_s = span or (0.0, 0.0)
    middle = sum(time_s < (start_s + end_s) / 2 for time_s in film.times[:-1])
    seen = describe(film.observations[middle]) if film.observations else NOTHING
    return {"seen": seen[:MOST_SEEN], "found": span is not None, "start_s": start_s, "end_s": end_s}


def _spans_seen(film: Film, variables: Variables) -> Any:
    asked = {_int(each["number"]): str(each["caption"]) for each in variables["captions"]}
    duration_s = variables["duration_s"]
    return {
        "spans": [
            {"number": number, **_span_seen(film, {"caption": caption, "duration_s": duration_s})}
            for number, caption in asked.items()
        ]
    }


def _rewritten(film: Film, variables: Variables) -> Any:
    return {"sentence": _not_empty(texts.rewritten(str(variables["caption"])))}


def _query(film: Film, variables: Variables) -> Any:
    return {"query": _not_empty(texts.query(str(variables["caption"])))}


def _one_change(film: Film, variables: Variables) -> Any:
    found = near_miss(str(variables["query"]))
    if found is None:
        raise UnsupportedAskError("a description without a colour, shape or direction")
    return dict(zip(("attribute", "old", "new"), found, strict=True))


def _change_points(film: Film, variables: Variables) -> Any:
    return {
        "points": [
            {
                "seen": found.sentence,
                "aspect": found.aspect,
                "subject": found.subject,
                "before": found.before,
                "after": found.after,
                "time_s": found.time_s,
            }
            for found in points_of(film, _int(variables["max_points"]))
        ]
    }


def _change_question(film: Film, variables: Variables) -> Any:
    moments = [(_float(m["time_s"]), str(m["value"])) for m in variables["moments"]]
    found = question_of(
        str(variables["kind"]),
        str(variables["aspect"]),
        str(variables["subject"]),
        moments,
        _float(variables["min_gap_s"]),
        _int(variables["distractors"]),
    )
    answers = [{"time_s": time_s, "value": value} for time_s, value in found.answers]
    return {"question": found.question, "answers": answers, "distractors": [*found.distractors]}


def _answer_seen(film: Film, variables: Variables) -> Any:
    options = [str(option) for option in variables["options"]]
    value = answer_at_end(film, str(variables["question"]), options)
    return {"seen": looks(film.observations[-1:]), "value": value}


def _clip_question(film: Film, variables: Variables) -> Any:
    return clip_question(str(variables["caption"]))._asdict()


def _generic(schema: Mapping[str, Any], film: Film) -> Any:
    last = film.observations[-1] if film.observations else None
    facts = Facts(
        changed=bool(change_of(film.observations)),
        count=len(last.blobs) if last else 0,
        sentence=describe(last) if last else NOTHING,
    )
    return answer_to(schema, facts)


def _not_empty(text: str) -> str:
    if not text:
        raise UnsupportedAskError("a caption without words")
    return text


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise UnsupportedAskError(f"{value!r} is no number") from error


def _int(value: Any) -> int:
    return int(_float(value))


ANSWERS: Mapping[str, tuple[Callable[[Film, Variables], Any], tuple[str, ...]]] = {
    "ChangeSeen": (_change_seen, ()),
    "BreathSeen": (_breath_seen, ("turns",)),
    "Narration": (_narration, ("lines", "max_words")),
    "Events": (_events, ("focus", "duration_s", "max_events")),
    "SpanSeen": (_span_seen, ("caption", "duration_s")),
    "SpansSeen": (_spans_seen, ("captions", "duration_s")),
    "Rewritten": (_rewritten, ("caption",)),
    "Query": (_query, ("caption",)),
    "OneChange": (_one_change, ("query",)),
    "ChangePoints": (_change_points, ("max_points", "duration_s")),
    "ChangeQuestion": (
        _change_question,
        ("kind", "aspect", "subject", "moments", "min_gap_s", "distractors"),
    ),
    "AnswerSeen": (_answer_seen, ("question", "options")),
    "ClipQuestion": (_clip_question, ("caption",)),
    **CONTEXT_ANSWERS,
    **TRAJECTORY_ANSWERS,
}
"""How each kind of answer is made, by title of its schema, and the variables that it needs."""
