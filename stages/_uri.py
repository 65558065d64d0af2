"""Whether a manifest's uri is safe to hand to a decoder."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and lone surrogates."""


def uri_problem(uri: str, schemes: Collection[str]) -> str:
    """Why the uri is refused; empty when it may be opened.

    A path is allowed, absolute or relative, and ``scheme:`` for a scheme in ``schemes`` (lower
    case). Decoders take more than paths: protocols such as ``concat:`` and ``subfile,,:`` read
    other files, and a name that begins with ``-`` is read as an option; ``-`` further on, as in
    ``videos/-x.mp4``, is harmless. A part ``..`` leaves the folder of videos, also percent-encoded.
    """
    scheme, path = split(uri)
    plain = unquote(path)
    problems = {
        "empty": not path.strip(),
        "control character": _CONTROL.search(uri + plain) is not None,
        f"scheme {scheme!r}": scheme is not None and scheme not in schemes,
        "file uri without an absolute path": scheme == "file" and not path.startswith("/"),
        "name begins with '-'": path.startswith("-") or plain.startswith("-"),
        "part '..'": ".." in re.split(r"[/\\]", path) + re.split(r"[/\\]", plain),
    }
    return next((problem for problem, found in problems.items() if found), "")


def split(uri: str) -> tuple[str | None, str]:
    """The scheme in lower case, None for a path; and the path, for ``file://`` without a host.

    Whatever stands before a colon in the first part of the path counts as a scheme.
    """
    head = re.split(r"[/\\]", uri, maxsplit=1)[0]
    if ":" not in head:
        return None, uri
    scheme, rest = uri.split(":", 1)
    if scheme.lower() == "file":
        return "file", rest[2:] if rest.startswith("//") else ""
    return scheme.lower(), rest
