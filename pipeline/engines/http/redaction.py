"""Finds a key in texts of a server that may have dressed it up, and puts ``(key)`` there.

A server has the key that it is asked with and may write it as it likes, so this cannot be complete;
SECURITY.md says what is found.
"""

from __future__ import annotations

import html
import re
import unicodedata
from base64 import b32encode, b64encode
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import unquote

SHOWN = "(key)"
PIECE_CHARACTERS = 8
"""Letters and digits of the shortest piece that is found. A shorter key is found as it is alone."""
WHOLE_CHARACTERS = 16
"""Letters and digits of the shortest form for which an answer is given up: words are shorter."""
LOOKED_AT_CHARACTERS = 4096
"""Of a text, which is far more than is kept of it."""
_DECODINGS = 3
"""How often a text may be encoded over again."""
_OTHER = re.compile("[^0-9a-z]+")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")


class Redaction:
    """Knows a key in every form that it looks for: letters and digits, in lower case."""

    def __init__(self, secret: str) -> None:
        """``secret`` is visible ASCII."""
        self._secret = secret
        self._forms = tuple(form for form in _forms(secret) if len(form) >= PIECE_CHARACTERS)
        self._pieces = frozenset(
            form[i : i + PIECE_CHARACTERS]
            for form in self._forms
            for i in range(len(form) - PIECE_CHARACTERS + 1)
        )

    def is_in(self, text: str) -> bool:
        """Whether a text has the whole key in one of its forms, if that is no mere word."""
        bare = _bare(text)
        return any(form in bare for form in self._forms if len(form) >= WHOLE_CHARACTERS)

    def redact(self, text: str) -> str:
        """The beginning of the text without the key and pieces of it.

        A text that has them in an escaped form only is unescaped first.
        """
        text = text[:LOOKED_AT_CHARACTERS].replace(self._secret, SHOWN)
        for _ in range(_DECODINGS):
            decoded = (decode(text) for decode in _DECODERS)
            text = next((each for each in decoded if each != text and self._spans(each)), text)
        for start, end in reversed(self._spans(text)):
            text = text[:start] + SHOWN + text[end:]
        return text

    def _spans(self, text: str) -> Sequence[tuple[int, int]]:
        """Where pieces stand, whatever stands between their letters and digits; none overlap."""
        places = [i for i, char in enumerate(text) if char.isascii() and char.isalnum()]
        bare = "".join(text[i] for i in places).lower()
        spans: list[tuple[int, int]] = []
        for i in range(len(bare) - PIECE_CHARACTERS + 1):
            if bare[i : i + PIECE_CHARACTERS] in self._pieces:
                start, end = places[i], places[i + PIECE_CHARACTERS - 1] + 1
                if spans and start < spans[-1][1]:
                    start = spans.pop()[0]
                spans.append((start, end))
        return spans


def _forms(secret: str) -> Iterator[str]:
    """As it is and backwards, as hexadecimal digits, base32, and base64 behind whatever stands
    before it, with what depends on its neighbours left out."""
    data = secret.encode("ascii")
    for form in (secret, secret[::-1], data.hex(), b32encode(data).decode()):
        yield _bare(form)
    for before in range(3):
        whole = b64encode(bytes(before) + data).decode()
        tail = {0: 0, 1: 3, 2: 2}[(before + len(data)) % 3]
        yield _bare(whole[(0, 2, 3)[before] : len(whole) - tail])


def _bare(text: str) -> str:
    return _OTHER.sub("", text.lower())


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)


def _plain_letters(text: str) -> str:
    """Wide, circled and other variants of letters as the letters themselves."""
    return unicodedata.normalize("NFKC", text)


_DECODERS: Sequence[Callable[[str], str]] = (unquote, html.unescape, _unescaped, _plain_letters)
