"""The digest by which an ask is known, and what is kept of asks by it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from pipeline.engines.base import Ask, Sampling
from pipeline.engines.frame_cache import FrameCache
from pipeline.execution.journal import Entry

T = TypeVar("T")
_DIGITS, _EARLIER_DIGITS = 40, 32
"""Of the digest, and of that of earlier versions."""

# Made once: it takes longer to make one than to write an ask.
_ENCODER = json.JSONEncoder(sort_keys=True, default=str)


def _sha256(jpeg: bytes) -> str:
    return hashlib.sha256(jpeg).hexdigest()


_FRAME: FrameCache[str] = FrameCache(_sha256)


def ask_digest(ask: Ask, sampling: Sampling) -> str:
    """Digest of everything that an engine is given with an ask.

    Its id is no part of it, for that counts the cases of a video: a case that is new or gone must
    not make the engine answer all that come after it again. Nor is the video. Of a frame its own
    digest counts, for many asks show one frame.
    """
    seen = hashlib.sha256(_texts(ask, sampling))
    for frame in ask.frames:
        seen.update(f"\n{frame.time_s!r} {_FRAME(frame.jpeg)}".encode())
    return seen.hexdigest()[:_DIGITS]


def earlier_digest(ask: Ask, sampling: Sampling) -> str:
    """The digest by which earlier versions knew an ask: of all bytes of its frames."""
    seen = hashlib.sha256(_texts(ask, sampling))
    for frame in ask.frames:
        seen.update(f"\n{frame.time_s!r} {len(frame.jpeg)} ".encode())
        seen.update(frame.jpeg)
    return seen.hexdigest()[:_EARLIER_DIGITS]


def _texts(ask: Ask, sampling: Sampling) -> bytes:
    values = [ask.system, ask.text, ask.answer_schema, ask.variables, vars(sampling)]
    return _ENCODER.encode(values).encode()


def kept_of(
    asks: Mapping[str, Ask],
    sampling: Sampling,
    look: Callable[[Mapping[str, Ask]], Mapping[str, T]],
    digests: Callable[[], Iterable[str]],
    under: Callable[[str, T], T],
) -> dict[str, T]:
    """What is kept of asks, by their digests; also what earlier versions kept by theirs.

    ``look`` finds what is kept of asks, by digest; ``digests`` has all by which something is kept
    there, and ``under`` puts it under another one. An earlier digest reads all bytes of an ask's
    frames, so it is taken only where something lies under one.
    """
    found = dict(look(asks))
    unknown = {key: ask for key, ask in asks.items() if key not in found}
    if unknown and any(len(key) == _EARLIER_DIGITS for key in digests()):
        left = {earlier_digest(ask, sampling): key for key, ask in unknown.items()}
        for earlier, kept in look({e: asks[key] for e, key in left.items()}).items():
            found[left[earlier]] = under(left[earlier], kept)
    return found


def entry_under(key: str, entry: Entry) -> Entry:
    """The entry, under another digest."""
    return replace(entry, ask=key)
