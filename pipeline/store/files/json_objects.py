"""JSON from outside whose objects mean the same to each who reads them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any


class RepeatedKeyError(ValueError):
    """A key stands twice in one object: some readers take the first value, others the last."""


def object_of(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these members; the ``object_pairs_hook`` of ``json``.

    Raises:
        RepeatedKeyError: a key stands twice; the message names it.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise RepeatedKeyError(f"the key {twice!r:.100} stands twice")
    return found
