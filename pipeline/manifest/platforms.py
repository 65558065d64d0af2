"""Ids of the platforms that videos were published on, where names of files are these ids."""

from __future__ import annotations

import re

_YOUTUBE = re.compile(r"([A-Za-z0-9_-]{11})(?:_[0-9.]+_[0-9.]+)?")
_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def youtube_id(stem: str) -> str:
    """``youtube:<id>`` of ``<id>``, or of ``<id>_<start>_<end>``; empty of any other stem."""
    found = _YOUTUBE.fullmatch(stem)
    return f"youtube:{found[1]}" if found else ""


def ego4d_id(stem: str) -> str:
    """``ego4d:<uid>`` of a stem that begins with a uid, else of all of it.

    It is never empty: what is Ego4D's must be known to be, whatever it is called.
    """
    found = _UID.match(stem)
    return f"ego4d:{found[0] if found else stem}"
