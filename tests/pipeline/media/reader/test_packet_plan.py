from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reader.colour import Colour
from pipeline.media.reader.orientation import Orientation
from pipeline.media.reader.packet_index import PacketIndex
from pipeline.media.reader.packet_plan import packets_in_groups, packets_in_order


def index_of(groups: list[tuple[int, int]]) -> PacketIndex:
    """A stream of groups, each a keyframe, then leading pictures, then trailing ones."""
    pts: list[int] = []
    keys: list[bool] = []
    for leading, trailing in groups:
        first = len(pts)
        pts += [first + leading, *range(first, first + leading)]
        pts += range(first + leading + 1, first + leading + 1 + trailing)
        keys += [True] + [False] * (leading + trailing)
    ticks, flags = np.array(pts, dtype=np.int64), np.array(keys)
    shown = np.ones(len(pts), dtype=np.bool_)
    return PacketIndex(
        "h264", Fraction(1, 30), (16, 16), Orientation(), Colour(), 1, ticks, flags, shown, 1
    )


GROUPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), min_size=1, max_size=12)


@given(GROUPS, st.data())
def test_a_group_is_fed_from_its_keyframe_to_the_last_wanted_frame(
    groups: list[tuple[int, int]], data: st.DataObject
) -> None:
    index = index_of(groups)
    wanted = data.draw(st.sets(st.sampled_from(index.pts.tolist())))
    plan = packets_in_groups(index, wanted)
    assert set(index.pts[plan.is_wanted]) == wanted
    assert plan.feed[plan.is_wanted].all()
    for group in range(1, len(groups) + 1):
        members = np.flatnonzero(index.group == group)
        fed = plan.feed[members]
        assert not (fed[1:] & ~fed[:-1]).any(), "a packet is fed after one that is left out"
        if (plan.is_wanted & index.is_leading)[index.group == group + 1].any():
            assert fed.all(), "leading pictures refer to the group before"
        elif not plan.is_wanted[members].any():
            assert not fed.any(), "nobody needs this group"


@given(GROUPS, st.data())
def test_in_order_feeds_everything_before(
    groups: list[tuple[int, int]], data: st.DataObject
) -> None:
    index = index_of(groups)
    wanted = data.draw(st.sets(st.sampled_from(index.pts.tolist()), min_size=1))
    plan = packets_in_order(index, wanted)
    last = int(np.flatnonzero(plan.is_wanted)[-1])
    assert plan.last == last
    assert plan.feed.sum() == last + 1


def test_errors_spread_within_a_group_and_to_the_leading_pictures_of_the_next() -> None:
    index = index_of([(0, 3), (2, 2), (0, 2)])
    plan = packets_in_order(index, index.pts.tolist())
    assert np.flatnonzero(plan.affected([2])).tolist() == [2, 3, 5, 6]
    assert np.flatnonzero(plan.affected([5])).tolist() == [5, 6, 7, 8]
    assert not plan.affected([]).any()


def test_errors_of_leading_pictures_without_their_reference_spread_nowhere() -> None:
    index = index_of([(0, 3), (2, 2)])
    plan = packets_in_groups(index, [int(index.pts[-1])])
    assert plan.feed.tolist() == [False] * 4 + [True] * 5
    assert not plan.affected([5, 6]).any()
    assert np.flatnonzero(plan.affected([7])).tolist() == [7, 8]
