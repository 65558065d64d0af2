"""The rules that accept or refuse raw annotations, the same for all datasets. Pure.

Each rule has a name, which is counted. Rules that need the length of a video are applied once its
file is probed (``stages/source_annotations.py``): lengths that a dataset states are not used.
"""

from __future__ import annotations

import json
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from pipeline.manifest.adapters.entry import RawAnnotation, is_utf8
from pipeline.records import SourceAnnotation

NULL_WORDS = frozenset({"none", "nan", "null"})
"""Placeholders for a missing text. They are a valid answer where they are one of the options."""

_CONTROLS = bytes(range(ord(" ")))
"""Of ASCII: they are found in a third of the time that ``isprintable`` takes."""
_LONGEST_NULL_WORD = max(map(len, NULL_WORDS))

Problem: TypeAlias = tuple[str, str]
"""A reason, which is a short constant, and a detail."""
Times: TypeAlias = tuple[float | None, float | None, float | None]
"""Start, end, and time of asking, in seconds."""


class Rules(BaseModel):
    """The rules with a choice; each is an ``--option`` of the verb ``manifest``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reversed: Literal["reject", "swap"] = Field(
        "reject", description="a span that ends before it starts"
    )
    no_end: Literal["reject", "next"] = Field(
        "reject",
        description="an annotation with a start alone: refused, or ended where the next of its kind"
        " starts (the last one is refused)",
    )
    unassigned: Literal["train", "keep", "refuse"] = Field(
        "train",
        description="a video that no file has a split of: put in train, as in a manifest without"
        " splits; kept in a split `unassigned`; or refused",
    )


@dataclass(frozen=True)
class Refused:
    """A refused annotation: its pointer, the reason (a short constant), and a detail."""

    pointer: str
    reason: str
    detail: str


# Made once: it takes longer to make one than to write a few times with it.
_AS_JSON = json.JSONEncoder(ensure_ascii=False)


class Judged(NamedTuple):
    """The annotations of one video, in their order: each is accepted or refused.

    ``mended`` counts changes: ``swapped``, ``start_clamped``, ``asked_clamped``,
    ``end_from_next``, ``whitespace``.
    """

    accepted: tuple[SourceAnnotation, ...]
    refused: tuple[Refused, ...]
    mended: Mapping[str, int]


def judge(
    raw: Sequence[RawAnnotation], rules: Rules, pointers: Sequence[str] | None = None
) -> Judged:
    """Applies the rules to all annotations of one video.

    ``pointers``: to be written in place of theirs, one for each.

    Reasons: ``not_utf8``, ``no_text``, ``no_question``, ``blank_option``, ``bad_time`` (not
    finite), ``no_start``, ``no_end``, ``reversed_span``, ``empty_span``, ``before_start`` (ends
    before the video starts; what starts, or is asked, before that is moved to 0), and ``duplicate``
    (same kind, texts and times).
    """
    accepted, refused = list[SourceAnnotation](), list[Refused]()
    mended = list[str]()
    ends = _next_starts(raw) if rules.no_end == "next" else {}
    seen: set[tuple[object, ...]] = set()
    for number, one in enumerate(raw):
        changes: list[str] = []
        pointer = one.pointer if pointers is None else pointers[number]
        made = _clean(one, pointer, rules, ends.get(number), changes)
        if len(raw) > 1 and not isinstance(made, tuple):
            content = (made.kind, made.question, made.text, tuple(made.options))
            key = (*content, made.start_s, made.end_s, made.asked_s)
            if key in seen:
                made = "duplicate", made.text
            seen.add(key)
        if isinstance(made, tuple):
            refused.append(Refused(pointer, *made))
        else:
            accepted.append(made)
            mended += changes
    return Judged(tuple(accepted), tuple(refused), Counter(mended) if mended else {})


def _clean(
    one: RawAnnotation,
    pointer: str,
    rules: Rules,
    next_start_s: float | None,
    changes: list[str],
) -> SourceAnnotation | Problem:
    text, question = spaced(one.text or ""), spaced(one.question or "")
    options = [spaced(option) for option in one.options]
    problem = _text_problem(one, pointer, text, question, options)
    if problem:
        return problem
    times = _times(one, rules, next_start_s, changes)
    if len(times) == 2:
        return times
    raw = _changed(one, text, question, options, times)
    if raw and raw.keys() & {"text", "question", "options"}:
        changes.append("whitespace")
    return SourceAnnotation.trusted({
        "kind": one.kind,
        "text": text,
        "question": question,
        "options": options,
        "asked_s": times[2],
        "start_s": times[0],
        "end_s": times[1],
        "resolution_s": float(one.resolution_s),
        "annotator": spaced(one.annotator),
        "origin": one.origin,
        "pointer": pointer,
        "raw": _AS_JSON.encode(raw) if raw else "",
    })  # fmt: skip


def _changed(
    one: RawAnnotation, text: str, question: str, options: list[str], times: Times
) -> dict[str, Any]:
    """The dataset's values of those fields that the rules changed."""
    start_s, end_s, asked_s = times
    before_and_after = (
        ("text", one.text, text),
        ("question", one.question or "", question),
        ("options", list(one.options), options),
        ("start_s", one.start_s, start_s),
        ("end_s", one.end_s, end_s),
        ("asked_s", one.asked_s, asked_s),
    )
    return {name: before for name, before, after in before_and_after if before != after}


def spaced(text: str) -> str:
    """With single spaces between words. Of a printable text the only blanks are spaces, so that
    most need not be taken apart."""
    if not text:
        return text
    if text.isascii():
        printable = len(text.encode().translate(None, _CONTROLS)) == len(text)
    else:
        printable = text.isprintable()
    if printable and "  " not in text and text[:1] != " " and text[-1:] != " ":
        return text
    return " ".join(text.split())


def _text_problem(
    one: RawAnnotation, pointer: str, text: str, question: str, options: Sequence[str]
) -> Problem | None:
    texts = [one.text or "", one.question or "", one.annotator, pointer, *one.options]
    if not is_utf8("".join(texts)):
        return "not_utf8", "a text that UTF-8 cannot hold"
    is_word = len(text) <= _LONGEST_NULL_WORD and text.casefold() in NULL_WORDS
    if not text or (is_word and text not in options):
        return "no_text", f"{one.kind}: {one.text!r}"
    if one.kind == "qa" and not question:
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
        asked_s = 0.0
        changes.append("asked_clamped")
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
    span = f"[{start_s}, {end_s})"
    if end_s <= start_s:
        return "reversed_span" if end_s < start_s else "empty_span", span
    if end_s <= 0:
        return "before_start", span
    if start_s < 0:
        start_s = 0.0
        changes.append("start_clamped")
    return start_s, end_s


def _seconds(value: float | None) -> float | None:
    if value is None:
        return None
    seconds = float(value)
    if not isfinite(seconds):
        raise ValueError(f"{seconds} is no finite number")
    return seconds


def _next_starts(raw: Sequence[RawAnnotation]) -> dict[int, float]:
    """By the number of each annotation with a start alone: the next later start among those of the
    same kind and annotator."""
    starts: dict[tuple[str, str], list[float]] = defaultdict(list)
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, one in enumerate(raw):
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
