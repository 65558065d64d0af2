"""Put vectors into an order in which each is similar to the one before it.

Similarity is the inner product of rows of unit length. Source: arXiv:2505.05467, appendix: its
prose draws the next one in proportion to similarity, its algorithm 2 takes the most similar one;
both from those that are left of the whole pool, from a first one that is drawn.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stages._groups import Groups, Places, Vectors

Order = Literal["greedy", "sampled"]

EXACT = 20_000
"""Up to so many vectors each step of a greedy chain looks at all that are left."""
LOOKED_AT = 3072
"""Vectors that each step of a longer greedy chain looks at, at least."""
TRIES = 256
"""Vectors that are drawn at once for a step of a sampled chain."""
MOST_DRAWS = 16
"""How often, before the similarities to all that are left are computed."""
FEW = 1024
"""Of so many they are computed at once."""


def chain(
    vectors: Vectors, order: Order, seed: int, exact: int = EXACT, looked_at: int = LOOKED_AT
) -> Places:
    """All places of ``vectors`` (n, dimensions; float32) in the order of the chain, from place 0.

    ``greedy``: the most similar of those left, of equals the lowest place; exactly so up to
    ``exact`` vectors. That takes time with their square, so beyond it each step looks at
    ``looked_at`` of those left, or somewhat more, in the groups nearest to it.
    ``sampled``: one of those left with a chance in proportion to its similarity, 0 below 0; evenly
    where no similarity is above 0. This is exact for any number.
    """
    if len(vectors) == 0:
        return np.empty(0, np.int64)
    if order == "sampled":
        return _sampled(vectors, seed)
    return _greedy(vectors) if len(vectors) <= exact else _nearly_greedy(vectors, seed, looked_at)


def links(vectors: Vectors, chained: Places) -> Vectors:
    """The similarity of each but the first to the one before it."""
    made = np.empty(max(len(chained) - 1, 0), np.float32)
    for start in range(0, len(made), 1 << 16):
        stop = min(start + (1 << 16), len(made))
        before, after = vectors[chained[start:stop]], vectors[chained[start + 1 : stop + 1]]
        made[start:stop] = np.einsum("ij,ij->i", before, after)
    return made


def _greedy(vectors: Vectors) -> Places:
    """Each step compares all that are left; what is used goes when it is half of what is held."""
    n = len(vectors)
    made = np.empty(n, np.int64)
    held, places = vectors, np.arange(n)
    used = np.zeros(n, bool)
    at = 0
    for step in range(n):
        made[step] = places[at]
        used[at] = True
        vector = held[at]
        if 2 * used.sum() > len(used) > 1 and step + 1 < n:
            held, places = held[~used], places[~used]
            used = np.zeros(len(places), bool)
        similar = held @ vector
        similar[used] = -np.inf
        at = int(similar.argmax())
    return made


def _nearly_greedy(vectors: Vectors, seed: int, looked_at: int) -> Places:
    """Each step compares many of those that are left, in the groups nearest to it."""
    left = Groups(vectors, seed, looked_at)
    return np.array([left.take() for _ in range(len(vectors))], np.int64)


def _sampled(vectors: Vectors, seed: int) -> Places:
    """Draws evenly, and takes a vector with a chance of its similarity: that is the same as a draw
    in proportion to it, and looks at few."""
    random = np.random.Generator(np.random.PCG64(seed))
    n = len(vectors)
    left = np.arange(n)
    made = np.empty(n, np.int64)
    place = at = 0
    for step, count in enumerate(range(n, 0, -1)):
        made[step] = at
        left[place] = left[count - 1]
        if count > 1:
            place = _drawn(vectors, left[: count - 1], vectors[at], random)
            at = int(left[place])
    return made


def _drawn(vectors: Vectors, left: Places, vector: Vectors, random: np.random.Generator) -> int:
    """A place of ``left``."""
    for _ in range(MOST_DRAWS if len(left) > FEW else 0):
        tries = random.integers(len(left), size=TRIES)
        taken = random.random(TRIES) < vectors[left[tries]] @ vector
        if taken.any():
            return int(tries[taken.argmax()])
    weights = np.maximum(vectors[left] @ vector, 0).astype(np.float64)
    total = weights.sum()
    if total <= 0:
        return int(random.integers(len(left)))
    return int(
        np.searchsorted(np.cumsum(weights), random.random() * total, side="right").clip(
            max=len(left) - 1
        )
    )
