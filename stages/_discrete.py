"""Rules for what is no discrete action, by the words of an English caption.

There is no parser behind them: they look for words of closed lists where such a word decides, and
let pass what they do not know. Where several things are said ("stands and cuts the rope"), one that
may be a deed is enough.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal

Fault = Literal["state", "scene", "talk"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FILMED = _words(
    "camera shot footage video clip scene screen view frame image picture background title caption"
    " text logo subtitle subtitles credits"
)
"""What is filmed with, or written over it. That a camera pans or credits roll is nothing that
somebody does in the video."""
_FILMING = _words(
    "shows depicts displays features presents captures focuses pans zooms tilts cuts fades follows"
    " reads rolls roll appears appear transitions moves switches changes"
)
"""What the former are said to do. "A camera operator adjusts a lens" is not caught."""
_OF = re.compile(r"(?:an? |the )?(?:[\w-]+ )?(?:view|shot|close-?up|image|picture|footage) of\b")
_BE = _words("is are was were")
_AFTER_BE = _words(
    "a an the in on at inside outside under over above below behind near beside between among full"
    " empty visible shown seen present available ready still there here not no very red green blue"
    " yellow white black brown orange purple pink grey gray large small big tall short open closed"
    " dark bright hot cold wet dry"
)
"""What says how or where something is. A participle ("is chopped", "is rolling") says what is done,
and is not here."""
_STATES = _words(
    "remains remain stays stay has have contains contain consists seems seem looks resembles"
    " belongs wears wear"
)
"""Verbs of what lasts: nothing in it begins or ends."""
_POSTURES = _words(
    "stands standing sits sit sitting lies lying rests resting hangs hanging waits waiting"
)
"""To be in a place in some way. With "up", "down" or "back" they are deeds."""
_PARTICLES = _words("up down back")
_TALKS = _words(
    "talks talk talking speaks speak speaking says say saying tells tell telling explains explain"
    " explaining describes describing discusses discuss discussing introduces introducing narrates"
    " narrating announces announcing comments commenting chats chatting interviews interviewing"
    " mentions mentioning greets greeting thanks thanking lectures lecturing"
)
"""Verbs of talk: without the sound nobody sees what is said."""
_BEFORE_NOUNS = _words("a an the his her its their my your our this that these those of to")
"""Behind one of these a word of the lists is a noun ("a wooden stand" is not in them)."""
_JOINED = re.compile(r"[,;]|\b(?:and|while|then|as|before|after|until)\b")
_WORD = re.compile(r"[a-z'-]+")


def fault_of(caption: str) -> Fault | None:
    """Why a caption in English names no discrete action; None where no rule speaks against it."""
    text = " ".join(caption.casefold().split())
    words = _WORD.findall(text)
    if _OF.match(text) or any(
        word in _FILMED and following in _FILMING for word, following in pairwise(words[:4])
    ):
        return "scene"
    if words[:1] == ["there"] and _BE.intersection(words[1:2]):
        return "state"
    faults = [_fault_of_part(part.split()) for part in _JOINED.split(text) if part.strip()]
    return faults[0] if faults and all(faults) else None


def _fault_of_part(words: list[str]) -> Literal["state", "talk"] | None:
    words = [word.strip(".!?'\"") for word in words]
    for place, (before, word, following) in enumerate(
        zip(["", *words], words, [*words[1:], ""], strict=False)
    ):
        # In "a man sitting at a table cuts wood" the verb is a later one.
        if word.endswith("ing") and before not in _BE and _has_verb(words[place + 1 :]):
            continue
        if before in _BEFORE_NOUNS:
            continue
        if word in _TALKS:
            return "talk"
        has_done = word in ("has", "have") and following.endswith(("ed", "en"))
        if word in _STATES and not has_done:
            return "state"
        if word in _POSTURES and following not in _PARTICLES:
            return "state"
        if word in _BE and following in _AFTER_BE:
            return "state"
    return None


def _has_verb(words: list[str]) -> bool:
    """Whether a word has an ending of verbs; a plural has it, too, and then the caption passes."""
    return any(word.endswith(("s", "ed")) for word in words)
