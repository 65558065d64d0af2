"""Disjoint sets of numbers, at eight bytes a number.

By hand: it is shorter than a dependency on scipy, whose ``connected_components`` needs all pairs at
once, while near duplicates ask for groups between joins.
"""

from __future__ import annotations

from array import array


class UnionFind:
    """Groups of the numbers from 0 to ``count - 1``, at first one number each.

    A group is identified by its least number, whatever the order of the joins.
    """

    def __init__(self, count: int) -> None:
        """``count`` groups of one."""
        self._above = array("q", range(count))

    def __len__(self) -> int:
        """The number of numbers."""
        return len(self._above)

    def group(self, number: int) -> int:
        """The least number of its group."""
        above = self._above
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Merges the groups of two numbers."""
        low, high = sorted((self.group(one), self.group(other)))
        self._above[high] = low
