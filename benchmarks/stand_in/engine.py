"""An engine that answers at once and always the same, by the script of the video it is asked about.

It writes down what it was asked, and what was taken from it, into files of its process below
``TURNWISE_REHEARSAL``: records of ``RECORD``.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.stand_in.script import (
    ASPECTS,
    CHANGED,
    CONFIRMED,
    DENIED,
    NARRATED,
    SILENT,
    VALUES,
    drawn,
    seen_in,
)
from pipeline.engines.base import Ask, Reply, Sampling
from pipeline.engines.vllm.config import VllmConfig

RECORD: Final = np.dtype([("ask", "<u8"), ("cpu_us", "<u4")])
"""A digest of all that a model sees, and the CPU time of the answer."""
APPENDED = os.O_WRONLY | os.O_APPEND | os.O_CREAT
FRAME_TOKENS = 154
CHARACTERS = 4
"""Of a token."""
GAP_S = 2.5
SEEN = "A worker in a red coat stands in the hall, and the lamps above are on."
_HALL = re.compile(r"hall (\d+)")
_THING = re.compile(r"(box|wheel) (\d+) in hall (\d+)")
_LAMP = re.compile(r"lamp (\d+) of hall (\d+)")


class VllmEngine:
    """In place of the one that runs a model. It needs no GPU, whatever the config asks for."""

    version = "stand-in 1"

    def __init__(self, config: VllmConfig) -> None:
        """Loads nothing."""
        folder = Path(os.environ["TURNWISE_REHEARSAL"])
        self._files = {
            name: os.open(
                folder / f"{name}-{os.getpid()}-{id(self)}",
                APPENDED,
                0o644,
            )
            for name in ("asked", "taken")
        }

    def generate(
        self, asks: Sequence[Ask], sampling: Sampling
    ) -> Iterator[tuple[int, Sequence[Reply]]]:
        """See ``Engine.generate``."""
        for i, ask in enumerate(asks):
            start_ns = time.thread_time_ns()
            name = _name(ask)
            self._note("asked", name, 0)
            reply = _reply(ask, name)
            cpu_us = (time.thread_time_ns() - start_ns) // 1000
            yield i, [reply] * sampling.samples
            self._note("taken", name, cpu_us)

    def close(self) -> None:
        """There is nothing to end."""

    def _note(self, what: str, name: int, cpu_us: int) -> None:
        os.write(self._files[what], np.array((name, cpu_us), RECORD).tobytes())


def _name(ask: Ask) -> int:
    digest = hashlib.blake2b(f"{ask.system}\0{ask.text}".encode(), digest_size=8)
    for frame in ask.frames:
        digest.update(frame.jpeg)
    return int.from_bytes(digest.digest(), "little")


def _reply(ask: Ask, name: int) -> Reply:
    tokens_in = len(ask.system + ask.text) // CHARACTERS + FRAME_TOKENS * len(ask.frames)
    if drawn(name) < SILENT:
        return Reply(ask.request_id, error="unparsable", detail="{", tokens_in=tokens_in)
    text = json.dumps(ANSWERS[ask.answer_schema["title"]](ask))
    return Reply(ask.request_id, text, tokens_in=tokens_in, tokens_out=len(text) // CHARACTERS)


def _change_seen(ask: Ask) -> dict[str, Any]:
    script, time_s = seen_in(ask.frames[-1].jpeg)
    changed = drawn(script.number, "turn", time_s) < CHANGED
    said = f"Lamp {time_s:.0f} goes on in hall {script.number}." if changed else ""
    return {"seen": SEEN, "changed": changed, "sentence": said}


def _narration(ask: Ask) -> dict[str, Any]:
    draft: Sequence[Mapping[str, Any]] = ask.variables["lines"]
    if drawn(_hall(draft[0]["sentence"]), "narration") >= NARRATED:
        return {"seen": SEEN, "negative": True, "lines": []}
    lines: list[dict[str, Any]] = []
    for line in draft:
        if not lines or line["time_s"] >= lines[-1]["time_s"] + GAP_S:
            lines.append({"time_s": line["time_s"], "sentence": line["sentence"]})
    return {"seen": SEEN, "negative": False, "lines": lines}


def _events(ask: Ask) -> dict[str, Any]:
    script, _ = seen_in(ask.frames[0].jpeg)
    is_event = ask.variables["focus"] == "event"
    does = "in a red coat lifts box" if is_event else "with red gloves turns wheel"
    found = []
    for place in range(script.events):
        start_s, end_s = script.span(place)
        caption = f"A worker {does} {place} in hall {script.number}."
        found.append({"caption": caption, "start_s": start_s, "end_s": end_s})
    return {"events": found}


def _span_seen(ask: Ask) -> dict[str, Any]:
    script, _ = seen_in(ask.frames[0].jpeg)
    caption = ask.variables["caption"]
    thing, place, hall = _parts(_THING, caption)
    is_there = "red" in caption and int(hall) == script.number
    if not is_there and drawn(script.number, caption) < DENIED:
        return {"seen": SEEN, "found": False, "start_s": None, "end_s": None}
    family = "event" if thing == "box" else "action"
    start_s, end_s = script.located(family, int(place) % script.events)
    return {"seen": SEEN, "found": True, "start_s": start_s, "end_s": end_s}


def _rewritten(ask: Ask) -> dict[str, Any]:
    return {"sentence": ask.variables["caption"].replace("A worker", "A person")}


def _query(ask: Ask) -> dict[str, Any]:
    return {"query": ask.variables["caption"].replace("A worker", "a worker").rstrip(".")}


def _one_change(ask: Ask) -> dict[str, Any]:
    return {"attribute": "colour", "old": "red", "new": "blue"}


def _change_points(ask: Ask) -> dict[str, Any]:
    script, _ = seen_in(ask.frames[0].jpeg)
    points = [
        {"seen": SEEN, "aspect": aspect, "subject": f"lamp {lamp} of hall {script.number}",
         "before": _value(aspect, k), "after": _value(aspect, k + 1), "time_s": time_s}
        for lamp, aspect in enumerate(ASPECTS)
        for k, time_s in enumerate(script.changes_s(lamp))
    ]  # fmt: skip
    return {"points": points}


def _change_question(ask: Ask) -> dict[str, Any]:
    asked = ask.variables
    is_binary = asked["kind"] == "binary"
    answers = [
        {"time_s": m["time_s"], "value": _yes_or_no(k) if is_binary else m["value"]}
        for k, m in enumerate(asked["moments"])
    ]
    wrong = [f"never {n} at all" for n in range(asked["distractors"])]
    question = f"What holds of {asked['subject']} now?"
    return {"question": question, "answers": answers, "distractors": wrong}


def _answer_seen(ask: Ask) -> dict[str, Any]:
    script, time_s = seen_in(ask.frames[-1].jpeg)
    lamp, _ = _parts(_LAMP, ask.variables["question"])
    changes_s = script.changes_s(int(lamp))
    k = sum(each <= time_s for each in changes_s)
    is_binary = {*ask.variables["options"]} <= {_yes_or_no(0), _yes_or_no(1)}
    value = _yes_or_no(k) if is_binary else _value(ASPECTS[int(lamp)], k)
    if k == len(changes_s) and drawn(script.number, lamp, "confirmed") >= CONFIRMED:
        value = "unknown"
    return {"seen": SEEN, "value": value}


def _value(aspect: str, k: int) -> str:
    return str(k + 1) if aspect == "count" else VALUES[k]


def _yes_or_no(k: int) -> str:
    return "no" if k % 2 else "yes"


def _hall(text: str) -> int:
    return int(_parts(_HALL, text)[0])


def _parts(pattern: re.Pattern[str], text: str) -> Sequence[str]:
    found = pattern.search(text)
    if found is None:
        raise ValueError(f"not of a made-up video: {text}")
    return found.groups()


ANSWERS: Final[Mapping[str, Callable[[Ask], dict[str, Any]]]] = {
    "ChangeSeen": _change_seen,
    "Narration": _narration,
    "Events": _events,
    "SpanSeen": _span_seen,
    "Rewritten": _rewritten,
    "Query": _query,
    "OneChange": _one_change,
    "ChangePoints": _change_points,
    "ChangeQuestion": _change_question,
    "AnswerSeen": _answer_seen,
}
"""By the title of the schema."""
