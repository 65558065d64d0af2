"""Numbers put together into groups: eight bytes each, whatever is put together."""

from __future__ import annotations

from array import array


class UnionFind:
    """Groups of the numbers from 0 to ``count - 1``, at first each by itself.

    A group is known by its least number, so that it does not matter in which order it was made.
    """

    def __init__(self, count: int) -> None:
        """``count`` groups of one."""
        self._above = array("q", range(count))

    def __len__(self) -> int:
        """How many numbers there are."""
        return len(self._above)

    def group(self, number: int) -> int:
        """The least number of its group."""
        above = self._above
        while above[number] != number:
            above[number] = above[above[number]]
            number = above[number]
        return number

    def join(self, one: int, other: int) -> None:
        """Puts two groups together."""
        low, high = sorted((self.group(one), self.group(other)))
        self._above[high] = low
