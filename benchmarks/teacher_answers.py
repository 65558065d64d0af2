"""The answers of the teacher that errs on purpose, by what is asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from math import ceil
from random import Random
from typing import Any, get_args

from benchmarks.many_scenes import COLOURS, truth_about
from benchmarks.teacher_errors import (
    FOREIGN,
    RIGHT,
    Errors,
    Family,
    StatedTrack,
    all_stated,
    answers_at,
    elsewhere,
    jittered,
    moments_of,
    stated_events,
    stated_tracks,
)
from pipeline.engines.embedded.questions import question_of

UNKNOWN = "unknown"
Stated = Sequence[Mapping[str, Any]]
"""Lines for who counts: what was stated, and how it was spoilt."""
_QUOTED = re.compile(r'"(.*)"\s*\Z', re.DOTALL)
_NUMBERED = re.compile(r'^(\d+)\. "(.*)"$', re.MULTILINE)
_QUESTION = re.compile(
    r"(?:What|Is) (?P<what>\w+) (?P<subject>[\w ]+?)(?:, is it (?P<value>\w+))?\?"
)
_TO_BE_ASKED = re.compile(
    r"Leave at least ([\d.]+) s .* Distractors: (\d+)\.\s+"
    r"Kind of question: (\w+)\. Subject: (.+)\. Aspect: (\w+)\. "
)
_COLOURS_IN = {
    "zh": "红 橙 黄 绿 蓝 紫 粉 棕 黑 白 灰 青",
    "de": "roter oranger gelber grüner blauer violetter rosa brauner schwarzer weißer grauer"
    " türkiser",
}
_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        **dict(zip(map(str, COLOURS), _COLOURS_IN["zh"].split(), strict=True)),
        **{"circle": "圆形", "square": "正方形", "triangle": "三角形", "background": "背景"},
        **{"A": "一个", "The": "", "is": "是", "in": "在", "view": "画面中", "moves": "移动"},
        **{"right": "向右", "left": "向左"},
    },
    "de": {
        **dict(zip(map(str, COLOURS), _COLOURS_IN["de"].split(), strict=True)),
        **{"circle": "Kreis", "square": "Kasten", "triangle": "Keil", "background": "Hintergrund"},
        **{"A": "Ein", "The": "Der", "is": "ist", "in": "zu", "view": "sehen", "moves": "wandert"},
        **{"right": "nach rechts", "left": "nach links"},
    },
}
"""What the words of captions are in other languages."""


def answer(
    title: str,
    schema: Mapping[str, Any],
    text: str,
    scene: int,
    now_s: float,
    errors: Errors,
    sample: str,
) -> tuple[str, Stated]:
    """The answer of one sample as JSON, or as what is none, and what it stated.

    Raises:
        KeyError: nothing is known of answers with this title.
    """
    ask = f"{title} {scene} {now_s} {text}"
    stated: Stated = ()
    if title == "Events":
        found, stated = _events(text, scene, errors)
    elif title == "ChangePoints":
        found, stated = _points(scene, errors)
    elif title == "SpanSeen":
        found = _span(_quoted(text), scene, errors, _once(errors, ask, sample))
    elif title == "SpansSeen":
        found = _spans(text, scene, errors, ask, sample)
    elif title == "AnswerSeen":
        options = schema["properties"]["value"]["enum"]
        found = _seen(text, options, scene, now_s, errors, _once(errors, ask, sample))
    else:
        found = {"ChangeQuestion": _question, "Rewritten": _sentence, "Query": _query}[title](
            text, errors
        )
    whole = json.dumps(found, ensure_ascii=False)
    chance = errors.draw("broken", ask, sample)
    return (_broken(whole, chance), stated) if chance.random() < errors.broken else (whole, stated)


def _once(errors: Errors, ask: str, sample: str) -> Random:
    """What decides whether a sample errs: by itself, or along with all others of the ask."""
    alike = errors.draw("alike", ask).random() < errors.alike
    return errors.draw("checker", ask, "" if alike else sample)


def _quoted(text: str) -> str:
    found = _QUOTED.search(text)
    return found[1] if found else text


def _events(text: str, scene: int, errors: Errors) -> tuple[Any, Stated]:
    families: Sequence[Family] = get_args(Family)
    (family,) = (each for each in families if f"each {each}," in text)
    foreign = errors.draw("foreign", scene, family).random() < errors.foreign
    events, stated = [], []
    for each in stated_events(scene, family, errors):
        said = in_language(each.caption, errors.language) if foreign else each.caption
        event = {"caption": said, "start_s": each.start_s, "end_s": each.end_s}
        kind = FOREIGN if foreign else each.kind
        events.append(event)
        stated.append(
            {"scene": scene, "family": family, "kind": kind, "true_iou": each.true_iou, **event}
        )
    return {"events": events}, stated


def _points(scene: int, errors: Errors) -> tuple[Any, Stated]:
    points, stated = [], []
    for track in stated_tracks(scene, errors):
        shown = {"kind": track.kind, "shift_s": track.shift_s, "moments": track.moments}
        stated.append({"scene": scene, "aspect": track.aspect, "subject": track.subject, **shown})
        for (_, before), (time_s, after) in zip(track.moments, track.moments[1:], strict=False):
            seen = f"The {track.subject}: {before or 'nothing'}, then {after or 'nothing'}."
            points.append(
                {
                    **{"seen": seen, "aspect": track.aspect, "subject": track.subject},
                    **{"before": before, "after": after, "time_s": tenth(time_s)},
                }
            )
    return {"points": points}, stated


def tenth(time_s: float) -> float:
    """The first tenth of a second at which what begins at a time holds."""
    return ceil(time_s * 10 - 1e-6) / 10


def _span(caption: str, scene: int, errors: Errors, chance: Random) -> Any:
    """When it happens, if at all: by the script, by what the writer said, or wrong."""
    truth = truth_about(scene, errors.seed)
    true = {event.caption: (event.start_s, event.end_s) for event in truth.events}
    stated = {event.caption: (event.start_s, event.end_s) for event in all_stated(scene, errors)}
    spoken = {in_language(each, spoken): each for spoken in _WORDS for each in {**true, **stated}}
    caption = spoken.get(caption, caption)
    span = true.get(caption)
    if errors.draw("follows", scene, caption).random() < errors.follows:
        span = stated.get(caption)
    elif chance.random() < errors.checker:
        away = elsewhere(span or (0.0, 0.0), truth.duration_s, chance)
        span = None if span and chance.random() < 0.5 else away
    if span is None:
        return {"seen": "Nothing of it.", "found": False, "start_s": None, "end_s": None}
    start_s, end_s = jittered(span, truth.duration_s, errors.jitter_s, chance)
    times = {"start_s": round(start_s, 2), "end_s": round(end_s, 2)}
    return {"seen": "It is there.", "found": True, **times}


def _spans(text: str, scene: int, errors: Errors, ask: str, sample: str) -> Any:
    """When each of several things happens, as if it were asked about by itself; but some may be
    left out, and two exchanged."""
    spans = [
        {"number": int(number), **_span(caption, scene, errors, _once(errors, each, sample))}
        for number, caption in _NUMBERED.findall(text)
        for each in [f"{ask} {number}"]
    ]
    chance = errors.draw("listed", ask, sample)
    if len(spans) > 1 and chance.random() < errors.exchanged:
        one, other = chance.sample(spans, 2)
        one["number"], other["number"] = other["number"], one["number"]
    return {"spans": [span for span in spans if chance.random() >= errors.left_out]}


def _question(text: str, errors: Errors) -> Any:
    """A question of the moments that are given, and its answers: nobody errs here."""
    head, _, listed = text.partition("What holds, by time:")
    found = _TO_BE_ASKED.search(head)
    if found is None:
        raise ValueError(f"no question in {text!r}")
    gap_s, wrong, kind, subject, aspect = found.groups()
    lines = [line.partition(": ") for line in listed.strip().splitlines()]
    moments = [(float(t), "" if value == "(not in view)" else value) for t, _, value in lines]
    made = question_of(kind, aspect, subject, moments, float(gap_s), int(wrong))
    answers = [{"time_s": time_s, "value": value} for time_s, value in made.answers]
    held = [value for _, value in moments if value]
    claimed = next((value for value in held if value != held[0]), "")
    asked = f"What {aspect} {subject}?"
    if kind == "binary":
        asked = f"Is {aspect} {subject}, is it {claimed}?"
    return {"question": asked, "answers": answers, "distractors": [*made.distractors]}


def held_by(question: str, tracks: Sequence[StatedTrack], time_s: float) -> str:
    """The answer to a question at a time, as the tracks have it; empty where there is none."""
    asked = _QUESTION.search(question)
    if asked is None:
        return ""
    about = asked["what"], asked["subject"]
    moments = next((t.moments for t in tracks if (t.aspect, t.subject) == about), ())
    value = answers_at(moments, time_s)
    if value and asked["value"]:
        return "yes" if value == asked["value"] else "no"
    return value


def true_tracks(scene: int, seed: int) -> list[StatedTrack]:
    """The tracks of a scene as they are."""
    return [
        StatedTrack(track.aspect, track.subject, RIGHT, tuple(moments_of(track)))
        for track in truth_about(scene, seed).tracks
    ]


def _seen(
    text: str, options: Sequence[str], scene: int, now_s: float, errors: Errors, chance: Random
) -> Any:
    """Which option holds: by the script, by what the writer said, or another one."""
    question = text.partition("The question: ")[2].strip()
    value = held_by(question, true_tracks(scene, errors.seed), now_s)
    if errors.draw("follows", scene, question).random() < errors.follows:
        value = held_by(question, stated_tracks(scene, errors), now_s)
    elif chance.random() < errors.checker:
        value = chance.choice([option for option in options if option != (value or UNKNOWN)])
    return {"seen": "It is there.", "value": value if value in options else UNKNOWN}


def _sentence(text: str, errors: Errors) -> Any:
    return {"sentence": _worded(_quoted(text), errors) + "."}


def _query(text: str, errors: Errors) -> Any:
    return {"query": _worded(_quoted(text), errors)}


def _worded(caption: str, errors: Errors) -> str:
    foreign = errors.draw("reworded", caption).random() < errors.reworded
    return in_language(caption, errors.language) if foreign else caption


def in_language(caption: str, language: str) -> str:
    """The caption in another language, as far as its words are known."""
    words = [_WORDS[language].get(word, word) for word in caption.split()]
    return ("" if language == "zh" else " ").join(words)


def _broken(whole: str, draw: Random) -> str:
    """JSON as models break it: cut off, with another quotation mark, or in prose."""
    return draw.choice(
        (
            whole[: int(len(whole) * draw.uniform(0.3, 0.95))],
            whole.replace('"', "'"),
            f"Here is what I see:\n```json\n{whole[:-1]},}}\n```",
            whole.replace(", ", " ", 1),
        )
    )
