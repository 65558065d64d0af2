"""The uri of a video in a published row: a rule that means the same to everyone."""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import normpath
from urllib.parse import urlsplit

from pipeline.corpus.hub.leaks import LeakPatterns


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
