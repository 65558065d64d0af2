"""The uri of a video in a published row: a rule that means the same to everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from posixpath import normpath
from typing import Any, Final
from urllib.parse import urlsplit

from pipeline.corpus.hub.leaks import LeakPatterns

URI: Final = "uri"
FILES: Final = (URI, "clips")
"""The columns that name files: that of the video, or those of the clips of a stream."""


def published_files(
    columns: Mapping[str, Any], roots: Sequence[str], leaks: LeakPatterns
) -> dict[str, list[Any]]:
    """Those of ``FILES`` that a table has, as they leave: the values of their rows."""
    found: dict[str, list[Any]] = {}
    for name in (name for name in FILES if name in columns):
        rows = columns[name].to_pylist()
        if name == URI:
            found[name] = [published_uri(uri, roots, leaks) for uri in rows]
        else:
            found[name] = [
                [{**clip, URI: published_uri(clip[URI], roots, leaks)} for clip in clips]
                for clips in rows
            ]
    return found


def published_uri(uri: str, roots: Sequence[str], leaks: LeakPatterns) -> str:
    """A uri as it leaves: one that says nothing of a machine stays as it is.

    Of any other what lies below the first of ``roots`` (folders or addresses that hold videos)
    that holds it is left, or else its file name.
    """
    for root in roots:
        inner = uri.removeprefix(root.rstrip("/") + "/")
        if inner != uri:
            return inner
    path = uri if not (split := urlsplit(uri)).scheme else split.path
    below = normpath(path.replace("\\", "/"))
    public = split.scheme in ("http", "https") and not any(leaks.leaks(uri))
    if public or (not split.scheme and not below.startswith(("/", "~", "..")) and "\\" not in uri):
        return uri
    return below.rpartition("/")[2]
