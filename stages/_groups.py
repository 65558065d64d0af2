"""Vectors in groups, so that the nearest of those that are left is looked for in few places.

Similarity is the inner product; vectors are rows of unit length, float32. Groups are found by
spherical k-means. Libraries for nearest neighbours mark what is removed and go on walking over it,
or copy their lists; here the rows of a group stand side by side, and the place of one that is
removed goes to the last of its group. So a pool that shrinks gets faster, and there is no index
beside it.
"""

from __future__ import annotations

from math import isqrt

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]

ROUNDS = 10
"""Of k-means."""
TRAINED_ON = 64
"""Vectors for each centre of k-means, at most."""
NEAR = 64
"""Groups beside which a search begins, before it looks at all centres."""
AT_ONCE = 8192
"""Vectors that are compared with the centres in one product."""


class Groups:
    """The vectors that are left of a pool, by group."""

    def __init__(self, vectors: Vectors, seed: int, looked_at: int) -> None:
        """All are left. A search compares ``looked_at`` vectors at least, or all there are.

        There are twice as many groups as the root of the number of vectors.
        """
        count = 2 * isqrt(len(vectors))
        self._centres = centres_of(vectors, count, seed)
        group = nearest_centres(vectors, self._centres)
        self._looked_at = looked_at
        self._places = np.argsort(group, kind="stable")
        self._rows = vectors[self._places]
        self._counts = np.bincount(group, minlength=count)
        self._starts = np.concatenate([[0], np.cumsum(self._counts)[:-1]])
        self._group = group[self._places]
        near = self._centres @ self._centres.T
        self._near = np.argsort(-near, axis=1, kind="stable")[:, :NEAR].copy()
        self._row = int(np.flatnonzero(self._places == 0)[0])
        self.left = len(vectors)

    def take(self) -> int:
        """The place of the vector that was found last, at first place 0, and removes it. Then the
        most similar one of those that are left in the groups around it is found."""
        row, group = self._row, int(self._group[self._row])
        place, vector = int(self._places[row]), self._rows[row].copy()
        self._counts[group] -= 1
        last = self._starts[group] + self._counts[group]
        self._rows[row], self._places[row] = self._rows[last], self._places[last]
        self.left -= 1
        if self.left:
            self._row = self._nearest(vector, group)
        return place

    def _nearest(self, vector: Vectors, group: int) -> int:
        """The row of the most similar one."""
        beside = self._near[group]
        found = self._best(vector, beside[self._counts[beside] > 0])
        if found is None:
            found = self._best(vector, np.flatnonzero(self._counts))
        if found is None:
            raise ValueError("none is left")
        return found

    def _best(self, vector: Vectors, groups: Places) -> int | None:
        """The row of the most similar one in the nearest of these groups; None where they hold too
        few to be sure, though others hold more."""
        counts, starts = self._counts, self._starts
        wanted = min(self._looked_at, self.left)
        if counts[groups].sum() < wanted:
            return None
        best, similarity, looked_at = -1, -np.inf, 0
        for group in groups[np.argsort(-(self._centres[groups] @ vector), kind="stable")]:
            start = starts[group]
            similar = self._rows[start : start + counts[group]] @ vector
            row = int(similar.argmax())
            if similar[row] > similarity:
                best, similarity = int(start) + row, similar[row]
            looked_at += len(similar)
            if looked_at >= wanted:
                break
        return best


def centres_of(vectors: Vectors, count: int, seed: int) -> Vectors:
    """The centres of so many groups, (count, dimensions), of unit length, by spherical k-means over
    a draw of the vectors. A group that loses all keeps its centre."""
    random = np.random.Generator(np.random.PCG64(seed))
    n = len(vectors)
    drawn = vectors[np.sort(random.permutation(n)[: count * TRAINED_ON])]
    centres = drawn[np.sort(random.permutation(len(drawn))[:count])].copy()
    for _ in range(ROUNDS):
        group = nearest_centres(drawn, centres)
        order = np.argsort(group, kind="stable")
        there, starts = np.unique(group[order], return_index=True)
        sums = np.add.reduceat(drawn[order], starts, axis=0)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres[there] = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres[there])
    return centres


def nearest_centres(vectors: Vectors, centres: Vectors) -> npt.NDArray[np.int64]:
    """(n,): the most similar centre of each vector."""
    parts = [
        (vectors[start : start + AT_ONCE] @ centres.T).argmax(axis=1)
        for start in range(0, len(vectors), AT_ONCE)
    ]
    return np.concatenate(parts)
