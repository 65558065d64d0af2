"""Dialogues as the page shows them: all of one sample, and the short row by which it is found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import Any

from pipeline.records import Dialogue, Turns
from pipeline.records.turns import RESPONSE, STANDBY

TITLE_CHARACTERS = 90
STRIP_CHARACTERS = 32
MARKS = ".-#"
"""A state's place in ``STATES`` is that of its mark."""
_LEFT_OUT = {"turns", "uri", "sha256", "frames_sha256", "n_tail"}
"""Of a dialogue: what is written otherwise, or is of no use for judging. A page may be published,
and a uri tells of machines."""

Shown = dict[str, Any]


def marks(turns: Turns) -> str:
    """A character a turn."""
    return "".join(MARKS[state] for state in turns.states)


def strip(states: str) -> str:
    """At most ``STRIP_CHARACTERS`` marks; each is the strongest of its even share of the turns."""
    size = len(states)
    if size <= STRIP_CHARACTERS:
        return states
    cuts = [at * size // STRIP_CHARACTERS for at in range(STRIP_CHARACTERS + 1)]
    return "".join(max(states[a:b], key=MARKS.index) for a, b in pairwise(cuts))


def pattern(turns: Turns) -> str:
    """In words how states follow: what the page filters by."""
    responses, standby = turns.states.count(RESPONSE), turns.states.count(STANDBY)
    if not responses:
        return "standby, no response" if standby else "silence only"
    number = "one response" if responses == 1 else "several responses"
    return f"{number} after standby" if standby else number


def shown_sample(dialogue: Dialogue) -> Shown:
    """All of a dialogue. Times are seconds; turns are columns, one mark of ``states`` a turn, and
    ``asked``, ``said`` and ``flags`` are by position, which counts from the first turn."""
    turns = dialogue.turns
    return dialogue.model_dump(mode="json", exclude=_LEFT_OUT) | {
        "file": dialogue.uri.replace("\\", "/").rpartition("/")[2],
        "pattern": pattern(turns),
        "turns": {
            "first": turns.first,
            "starts": list(turns.starts),
            "ends": list(turns.ends),
            "frames": list(turns.frames),
            "states": marks(turns),
            "asked": {place: asked.text for place, asked in turns.asked.items()},
            "said": {place: [said.text, said.rids] for place, said in turns.said.items()},
            "flags": dict(turns.flags),
        },
    }


def index_row(dialogue: Dialogue) -> Shown:
    """The short row of a dialogue."""
    states = marks(dialogue.turns)
    text = next((question.text for question in dialogue.questions), "")
    flags = {flag for response in dialogue.responses for flag in response.flags}
    failed = {f"{check.name}: failed" for check in dialogue.checks if not check.passed}
    return {
        "id": dialogue.sample_id,
        "video": dialogue.video_id,
        "task": dialogue.task,
        "source": dialogue.source or "not stated",
        "aspect": dialogue.aspect,
        "split": dialogue.split,
        "title": " ".join(text.split())[:TITLE_CHARACTERS],
        "pattern": pattern(dialogue.turns),
        "strip": strip(states),
        "flags": sorted(flags | ({"still"} if dialogue.is_still else set())),
        "checks": sorted({check.name for check in dialogue.checks} | failed) or ["none"],
        "negative": int(dialogue.is_negative),
        "turns": len(states),
        "responses": len(dialogue.responses),
        "duration_s": round(dialogue.duration_s, 3),
    }


def by_video(dialogues: Iterable[Dialogue]) -> Iterable[tuple[str, list[Dialogue]]]:
    """The dialogues of each video, which stand one after another."""
    for video_id, found in groupby(dialogues, key=lambda dialogue: dialogue.video_id):
        yield video_id, list(found)


_CODED = ("video", "task", "source", "aspect", "split", "pattern")
_CODED_LISTS = ("flags", "checks")
_PLAIN = ("id", "title", "strip", "negative", "turns", "responses", "duration_s")


def columns(rows: Sequence[Shown]) -> Shown:
    """Index rows as columns. Those with few values are ``{values, codes}``, and a value of
    ``flags`` and ``checks`` is a list."""
    found: Shown = {name: [row[name] for row in rows] for name in _PLAIN}
    for name in _CODED:
        found[name] = _coded([row[name] for row in rows])
    for name in _CODED_LISTS:
        coded = _coded([tuple(row[name]) for row in rows])
        found[name] = coded | {"values": list(map(list, coded["values"]))}
    return found


def _coded(values: Sequence[Any]) -> Shown:
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return {"values": list(places), "codes": [places[value] for value in values]}
