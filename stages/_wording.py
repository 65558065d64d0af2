"""Comparing what models say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

UNKNOWN = "unknown"
"""What a model is told to say when the frames do not show the answer."""


def bare(text: str) -> str:
    """The text without case, without surplus white space and without a final full stop."""
    return " ".join(text.casefold().split()).rstrip(".")


def majority(texts: Sequence[str]) -> str:
    """The text given most often, compared bare; ties go to the first given.

    Raises:
        ValueError: there are no texts.
    """
    if not texts:
        raise ValueError("no texts")
    chosen, _ = Counter(bare(t) for t in texts).most_common(1)[0]
    return next(t for t in texts if bare(t) == chosen)
