"""The editor: works on sentences alone, without looking at a video."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from pipeline.engines.embedded.phrases import claim_of

SILENT_TURNS = 1.5
"""An action that is not mentioned for longer than this has ended."""

_OPENINGS = (
    r"(?:(?:and|but|so)\b|(?:and )?(?:then|finally|next|now|first(?:ly)?|second(?:ly)?|lastly|later"
    r"|afterwards?|after that|meanwhile|eventually|initially|suddenly|subsequently|overall)\b)"
    r"|(?:at|in|towards?|by|near) the (?:very )?(?:beginning|start|end|middle|opening|close)"
    r"(?: of (?:the|this) (?:video|clip|scene))?"
    r"|in (?:the|this) (?:video|clip|footage)"
    r"|(?:the|this) (?:video|clip|scene) "
    r"(?:(?:then )?(?:begins|starts|opens|continues|ends|concludes|closes|finishes) (?:with|by|as)"
    r"|(?:then )?(?:shows|depicts|features|captures))(?: (?:that|how))?"
    r"|as (?:the|this) (?:video|clip) (?:begins|starts|ends|continues|progresses)"
)
_OPENING = re.compile(rf"^\s*(?:{_OPENINGS})\s*[,:;]?\s+", re.IGNORECASE)
_CLOSING = re.compile(
    r"[\s,]+(?:(?:at|in|towards?|by|near) the (?:very )?"
    r"(?:beginning|start|end|middle|opening|close) of (?:the|this) (?:video|clip|scene)"
    r"|in (?:the|this) (?:video|clip|footage)"
    r"|as (?:the|this) (?:video|clip) (?:begins|starts|ends|continues|progresses))\s*$",
    re.IGNORECASE,
)
_CAN_BE_MISSED = (
    (re.compile(r" (?:on the (?:left|right)|in the middle)(?=\W*$)"), ""),
    (re.compile(r"\bfrom \w+ to (?=\w+\W*$)"), ""),
    (re.compile(r"^The scene cuts to an? (\w+) background"), r"The background turns \1"),
)
"""Patterns with what takes their place, the least important part first."""

_DANGLING = re.compile(
    r"(?:a|an|and|as|at|but|by|for|from|in|into|is|of|on|onto|or|the|then|to|towards|while|with),?",
    re.IGNORECASE,
)


def rewritten(caption: str) -> str:
    """The caption as one sentence, without words that say where in a video it stands."""
    text = " ".join(caption.split())
    text = re.split(r"(?<=[.!?])\s+(?=[A-Z])", text, maxsplit=1)[0].rstrip(" .!?,;:")
    while True:
        shorter = _CLOSING.sub("", _OPENING.sub("", text)).rstrip(" ,;:")
        if shorter == text or not shorter:
            return f"{text[:1].upper()}{text[1:]}." if text else ""
        text = shorter


def query(caption: str) -> str:
    """The caption as a short phrase to search a video for."""
    text = re.sub(r"^there (?:is|are) ", "", rewritten(caption).rstrip("."), flags=re.IGNORECASE)
    text = re.sub(r" (?:is|are) (?=in view$|visible$)", " ", text)
    starts_plain = re.match(r"[A-Z](?:[a-z]+)? ", text) and not text.startswith("I ")
    return text[:1].lower() + text[1:] if starts_plain else text


def shortened(sentence: str, max_words: int) -> str:
    """The sentence in at most so many words, ended with a full stop.

    What can be missed is left out first; then the end is.
    """
    for part, rest in _CAN_BE_MISSED:
        if len(sentence.split()) > max_words:
            sentence = part.sub(rest, sentence)
    words = sentence.split()
    kept = words[: max(1, max_words)]
    while len(kept) > 1 and len(kept) < len(words) and _DANGLING.fullmatch(kept[-1]):
        kept.pop()
    text = " ".join(kept).rstrip(" .,;:")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def narration(lines: Sequence[tuple[float, str]], max_words: int) -> list[tuple[float, str]]:
    """The lines worth saying, with their times; none where all say the same thing.

    A line that repeats one of a moment ago continues it, and is dropped: a moment is one and a half
    turns, or two and a half where another line stood in between.
    """
    said = [(time_s, text) for time_s, text in lines if text.strip()]
    gaps = [b - a for (a, _), (b, _) in pairwise(said) if b > a]
    moment_s = SILENT_TURNS * min([1.0, *gaps])
    kept: list[tuple[float, str]] = []
    latest: dict[str, int] = {}
    for n, (time_s, text) in enumerate(said):
        key = " ".join(re.findall(r"\w+", text.lower()))
        before = latest.get(key)
        latest[key] = n
        if before is not None:
            other_between = n - before > 1
            allowed_s = moment_s * (5 / 3 if other_between else 1)
            if time_s - said[before][0] <= allowed_s:
                continue
        kept.append((time_s, shortened(text, max_words)))
    if len(said) > 2 and len(latest) == 1 and not _is_motion(said[0][1]):
        return []
    return kept


def _is_motion(sentence: str) -> bool:
    claim = claim_of(sentence)
    return claim is not None and claim.kind == "moves"
