"""Digests of values: the identity of a part is one of everything that can change its content."""

from __future__ import annotations

import hashlib
import json
from typing import Any

FORMAT = 2
"""Raised when the definition of a fingerprint changes; every part is then recomputed."""

# Made once: it takes longer to make one than to write a small value.
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: Any) -> str:
    """The canonical JSON text of a value: sorted keys, no spaces.

    Raises:
        TypeError: the value is not plain JSON data.
        ValueError: a float in it is not finite.
    """
    return _ENCODER.encode(value)


def digest(value: Any, length: int = 12) -> str:
    """The first ``length`` hex digits of the SHA-256 of ``canonical_json(value)``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]


def text_digest(text: str) -> str:
    """The first 12 hex digits of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]
