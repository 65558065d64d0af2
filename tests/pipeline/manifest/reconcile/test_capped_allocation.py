from __future__ import annotations

from collections import Counter
from itertools import chain, combinations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.manifest.reconcile.capped_allocation import Caps, Cell, allocate_within

cells = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40)
caps = st.builds(
    Caps,
    sources=st.dictionaries(st.integers(0, 4), st.integers(0, 9), max_size=5),
    bins=st.dictionaries(st.integers(0, 4), st.integers(0, 9), max_size=5),
    whole=st.none() | st.integers(0, 40),
)


def most(available: Counter[Cell], given_caps: Caps) -> int:
    """How many can be drawn at most: the least cut between sources and bins, over all cuts."""
    sources, bins = {s for s, _ in available}, {b for _, b in available}
    whole = available.total()

    def cut(open_: tuple[int, ...], closed: tuple[int, ...]) -> int:
        return (
            sum(given_caps.sources.get(s, whole) for s in sources - set(open_))
            + sum(given_caps.bins.get(b, whole) for b in closed)
            + sum(n for (s, b), n in available.items() if s in open_ and b not in closed)
        )

    least = min(cut(open_, closed) for open_ in subsets(sources) for closed in subsets(bins))
    return least if given_caps.whole is None else min(least, given_caps.whole)


def subsets(items: set[int]) -> list[tuple[int, ...]]:
    sizes = range(len(items) + 1)
    return list(chain.from_iterable(combinations(sorted(items), n) for n in sizes))


@given(cells, caps)
def test_no_cap_is_passed_and_as_many_are_drawn_as_caps_allow(
    rows: list[Cell], given_caps: Caps
) -> None:
    available = Counter(rows)
    taken = Counter(allocate_within(given_caps, rows))
    assert all(0 < taken[cell] <= available[cell] for cell in taken)
    for axis, limits in ((0, given_caps.sources), (1, given_caps.bins)):
        for number, cap in limits.items():
            assert sum(n for cell, n in taken.items() if cell[axis] == number) <= cap
    assert taken.total() == most(available, given_caps)


def test_a_source_gives_way_in_a_bin_that_another_source_cannot_do_without() -> None:
    # By hash rank alone, source 0 would fill the one place for short videos, all that source 1 has.
    rows = [(0, 0), (0, 1), (1, 0)]
    assert allocate_within(Caps({0: 1, 1: 1}, {0: 1, 1: 1}), rows) == {(0, 1): 1, (1, 0): 1}


def test_rows_are_taken_by_hash_rank_where_nothing_forbids() -> None:
    rows = [(0, 0), (1, 0), (0, 0), (1, 0)]
    assert allocate_within(Caps({}, {}, 3), rows) == {(0, 0): 2, (1, 0): 1}
