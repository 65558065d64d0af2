"""Texts that no published file may hold: keys, paths of a machine, buckets, hosts, user names.

The patterns are in the syntax that Python's ``re`` shares with RE2, by which Arrow reads columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

_BEGINS = r"(?:^|[\s\"'`(=,;:\[{|])"
"""What stands before the beginning of a word that may be a path."""
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])"
_SHOWN_CHARS = 60
_SHOWN_OF_KEY = 4
_SHORTEST_NAME = 3
_USUAL_NAMES = frozenset({"root", "user", "ubuntu", "admin", "localhost"})

PATTERNS: Final[Mapping[str, str]] = {
    "key": (
        r"\bhf_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{16,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
        r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{16,}"
        r"|\bAIza[0-9A-Za-z_-]{30,}|\bxox[abprs]-[0-9A-Za-z-]{10,}|\bnvapi-[A-Za-z0-9_-]{20,}"
        r"|-----BEGIN [A-Z ]*PRIVATE KEY|\bBearer [A-Za-z0-9._~+/-]{16,}"
        r"|\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}"
        r"|://[^/\s:@]+:[^/\s@]+@|[?&](?:X-Amz-Signature|X-Goog-Signature|sig|token|api_key)="
    ),
    "bucket": (
        r"\b(?:s3|s3a|s3n|gs|gcs|az|abfss?|wasbs?|hdfs|oss|cos|tos|obs)://[^\s\"'`)]+"
        r"|\bs3[A-Za-z0-9.-]*\.amazonaws\.com|\bstorage\.googleapis\.com"
        r"|\.blob\.core\.windows\.net|\.r2\.cloudflarestorage\.com"
    ),
    "path": (
        r"\bfile://" + f"|{_BEGINS}" + r"~[A-Za-z0-9_-]*/[A-Za-z0-9_.]"
        f"|{_BEGINS}" + r"/[A-Za-z_.][A-Za-z0-9_.@+-]*/[A-Za-z0-9_.@+%~-]"
        r"|\b[A-Za-z]:\\[A-Za-z0-9_.\\ -]|\\\\[A-Za-z0-9_.-]+\\[A-Za-z0-9_.$-]"
    ),
    "host": (
        f"(?:^|[^A-Za-z0-9_.]){_OCTET}" + r"(?:\." + _OCTET + r"){3}(?:$|[^A-Za-z0-9_.]|\.\s|\.$)"
        r"|\[[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*\]"
        r"|\blocalhost\b|\bhttps?://[A-Za-z0-9_-]+(?:[:/\s]|$)|\bhttps?://[^/\s:@]+:[0-9]+"
        r"|\b[A-Za-z0-9-]+\.(?:internal|local|lan|corp|intranet|localdomain)\b"
        r"|\.svc\.cluster\b"
    ),
}
"""By kind of text. ``user`` is besides these: it is known only for the one who publishes."""

ADVICE: Final[Mapping[str, str]] = {
    "key": "revoke it, and take it out of what the run reads",
    "bucket": "give the manifest paths below a folder instead",
    "path": "give the manifest paths below a folder instead",
    "host": "take it out of the manifest or the model's name, or run with a public one",
    "user": "take it out of what the run reads",
}
"""What to do about it."""

MEANING: Final[Mapping[str, str]] = {
    "key": "a key",
    "bucket": "an address in an object store",
    "path": "a path of one machine",
    "host": "the address of a host",
    "user": "a user or machine of yours",
}


class Leak(NamedTuple):
    """A text that may not leave: its kind, and what of it can be shown."""

    kind: str
    shown: str


@dataclass(frozen=True)
class Own:
    """What is known of the one who publishes, and is not in any pattern."""

    names: Sequence[str] = ()
    """User and host names; those that everybody has do not count."""
    secrets: Sequence[str] = ()
    """Values of keys."""

    def patterns(self) -> Mapping[str, str]:
        """``PATTERNS``, with these."""
        found = dict(PATTERNS)
        if self.secrets:
            found["key"] += "".join(f"|{re.escape(secret)}" for secret in self.secrets)
        names = [n for n in self.names if len(n) >= _SHORTEST_NAME and n not in _USUAL_NAMES]
        if names:
            # A name may be a common word: it counts where it stands as a name.
            any_name = "|".join(re.escape(name) for name in names)
            found["user"] = rf"(?:^|[/\\@~])(?:{any_name})(?:[/\\@:]|$)"
        return found


class LeakPatterns:
    """The patterns, ready to be looked for."""

    def __init__(self, own: Own) -> None:
        """``own``: of the one who publishes."""
        self._patterns = {kind: re.compile(text) for kind, text in own.patterns().items()}
        self.all = "|".join(f"(?:{text})" for text in own.patterns().values())
        """One pattern that finds whatever any finds, for Arrow."""

    def leaks(self, text: str) -> Iterator[Leak]:
        """What the text holds, one a kind; a key is shown by its first characters alone."""
        for kind, pattern in self._patterns.items():
            if found := pattern.search(text):
                begin = found.start()
                shown = text[begin : begin + _SHOWN_CHARS].strip(" \n\"'`(=,;:[{|")
                yield Leak(kind, f"{shown[:_SHOWN_OF_KEY]}…" if kind == "key" else shown)
