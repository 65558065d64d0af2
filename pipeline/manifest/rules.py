"""The rules by which what datasets say is taken or turned down: the same for all of them.

They are pure, and each has a name that is counted. What only the length of a video can tell is
judged where the file is probed
(``stages/source_annotations.py``); a stated length is never believed.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pipeline.manifest.adapters.entry import RawAnnotation, is_utf8
from pipeline.records import SourceAnnotation

NULL_WORDS = frozenset({"none", "nan", "null"})
"""What programs write where there is no text. An answer may be one, where it is an option."""

Problem: TypeAlias = tuple[str, str]
"""A short constant, and a detail."""
Times: TypeAlias = tuple[float | None, float | None, float | None]
"""Start, end, and when it is asked, in seconds."""


class Rules(BaseModel):
    """What can be chosen: each is an ``--option`` of the verb ``manifest``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reversed: Literal["reject", "swap"] = Field(
        "reject", description="a span that ends before it starts"
    )
    no_end: Literal["reject", "next"] = Field(
        "reject",
        description="of what has a start alone: turned down, or over when the next of its kind"
        " starts (the last one is turned down)",
    )
    unassigned: Literal["train", "keep", "refuse"] = Field(
        "train",
        description="a video whose split no file says: trained on, as a manifest means it that"
        " leaves the split out; kept in a split `unassigned` of its own; or turned down",
    )


@dataclass(frozen=True)
class Refused:
    """Something told that is turned down: where it stands, a short constant, and a detail."""

    pointer: str
    reason: str
    detail: str


@dataclass(frozen=True)
class Judged:
    """What is told of one video, in its order: ``told in = kept + refused``.

    ``mended`` counts what was changed: ``swapped``, ``start_clamped``, ``end_from_next``,
    ``whitespace``.
    """

    kept: tuple[SourceAnnotation, ...]
    refused: tuple[Refused, ...]
    mended: Mapping[str, int]


def judge(told: Sequence[RawAnnotation], rules: Rules) -> Judged:
    """What is kept of all that is told of one video.

    Reasons: ``not_utf8``, ``no_text``, ``no_question``, ``blank_option``, ``bad_time`` (not
    finite), ``no_start``, ``no_end``, ``reversed_span``, ``empty_span``, ``before_start`` (over, or
    asked, before the video begins), and ``duplicate`` (of kind, words and times).
    """
    kept, refused = list[SourceAnnotation](), list[Refused]()
    mended: Counter[str] = Counter()
    ends = _next_starts(told) if rules.no_end == "next" else {}
    seen: set[tuple[object, ...]] = set()
    for number, one in enumerate(told):
        changes: list[str] = []
        made = _clean(one, rules, ends.get(number), changes)
        if isinstance(made, SourceAnnotation):
            content = (made.kind, made.question, made.text, tuple(made.options))
            key = (*content, made.start_s, made.end_s, made.asked_s)
            if key in seen:
                made = "duplicate", made.text
            seen.add(key)
        if isinstance(made, tuple):
            refused.append(Refused(one.pointer, *made))
        else:
            kept.append(made)
            mended.update(changes)
    return Judged(tuple(kept), tuple(refused), mended)


def _clean(
    one: RawAnnotation, rules: Rules, next_start_s: float | None, changes: list[str]
) -> SourceAnnotation | Problem:
    problem = _text_problem(one)
    if problem:
        return problem
    times = _times(one, rules, next_start_s, changes)
    if len(times) == 2:
        return times
    question, text = _spaced(one.question or ""), _spaced(one.text or "")
    options = [_spaced(option) for option in one.options]
    if (question, text, options) != (one.question or "", one.text, list(one.options)):
        changes.append("whitespace")
    start_s, end_s, asked_s = times
    fields = {
        "text": text,
        "question": question,
        "options": options,
        "start_s": start_s,
        "end_s": end_s,
    }
    before: dict[str, object] = {
        "text": one.text,
        "question": one.question or "",
        "options": list(one.options),
        "start_s": one.start_s,
        "end_s": one.end_s,
    }
    raw = {name: value for name, value in before.items() if value != fields[name]}
    return SourceAnnotation(
        kind=one.kind,
        text=text,
        question=question,
        options=options,
        start_s=start_s,
        end_s=end_s,
        asked_s=asked_s,
        resolution_s=one.resolution_s,
        annotator=_spaced(one.annotator),
        origin=one.origin,
        pointer=one.pointer,
        raw=json.dumps(raw, ensure_ascii=False) if raw else "",
    )


def _spaced(text: str) -> str:
    return " ".join(text.split())


def _text_problem(one: RawAnnotation) -> Problem | None:
    texts = [one.text or "", one.question or "", one.annotator, one.pointer, *one.options]
    if not all(map(is_utf8, texts)):
        return "not_utf8", "a text that UTF-8 cannot hold"
    text = _spaced(one.text or "")
    options = [_spaced(option) for option in one.options]
    if not text or (text.casefold() in NULL_WORDS and text not in options):
        return "no_text", f"{one.kind}: {one.text!r}"
    if one.kind == "qa" and not _spaced(one.question or ""):
        return "no_question", repr(one.question)
    if not all(options):
        return "blank_option", f"number {options.index('')}"
    return None


def _times(
    one: RawAnnotation, rules: Rules, next_start_s: float | None, changes: list[str]
) -> Times | Problem:
    try:
        start_s, end_s, asked_s = map(_seconds, (one.start_s, one.end_s, one.asked_s))
    except (OverflowError, ValueError) as error:
        return "bad_time", str(error)
    if asked_s is not None and asked_s < 0:
        return "before_start", f"asked at {asked_s}"
    if start_s is None:
        return (None, None, asked_s) if end_s is None else ("no_start", f"ends at {end_s}")
    if end_s is None and next_start_s is not None:
        end_s = next_start_s
        changes.append("end_from_next")
    if end_s is None:
        return "no_end", f"starts at {start_s}"
    span = _span(start_s, end_s, rules, changes)
    return span if isinstance(span[0], str) else (*span, asked_s)


def _span(
    start_s: float, end_s: float, rules: Rules, changes: list[str]
) -> tuple[float, float] | Problem:
    if end_s < start_s and rules.reversed == "swap":
        start_s, end_s = end_s, start_s
        changes.append("swapped")
    said = f"[{start_s}, {end_s})"
    if end_s <= start_s:
        return "reversed_span" if end_s < start_s else "empty_span", said
    if end_s <= 0:
        return "before_start", said
    if start_s < 0:
        start_s = 0.0
        changes.append("start_clamped")
    return start_s, end_s


def _seconds(value: float | None) -> float | None:
    if value is None:
        return None
    seconds = float(value)
    if not isfinite(seconds):
        raise ValueError(f"{seconds} is no time")
    return seconds


def _next_starts(told: Sequence[RawAnnotation]) -> dict[int, float]:
    """Of what has a start alone, the next later start of the same kind by the same annotator."""
    starts: dict[tuple[str, str], list[float]] = defaultdict(list)
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, one in enumerate(told):
        if one.start_s is None or one.end_s is not None:
            continue
        if abs(one.start_s) <= sys.float_info.max:
            starts[one.kind, one.annotator].append(float(one.start_s))
            numbers[one.kind, one.annotator].append(number)
    found: dict[int, float] = {}
    for key, times in starts.items():
        ordered = sorted(times)
        for number, start_s in zip(numbers[key], times, strict=True):
            after = bisect_right(ordered, start_s)
            if after < len(ordered):
                found[number] = ordered[after]
    return found
