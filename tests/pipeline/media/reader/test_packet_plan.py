from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.media.reader.packet_index import PacketIndex
from pipeline.media.reader.packet_plan import packets_in_groups, packets_in_order


def scan_of(groups: list[tuple[int, int]]) -> PacketIndex:
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
    return PacketIndex("h264", Fraction(1, 30), (16, 16), 0, 1, ticks, flags, shown, 1)


GROUPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), min_size=1, max_size=12)


@settings(deadline=None)
@given(GROUPS, st.data())
def test_a_group_is_fed_from_its_keyframe_to_the_last_wanted_frame(
    groups: list[tuple[int, int]], data: st.DataObject
) -> None:
    scan = scan_of(groups)
    wanted = data.draw(st.sets(st.sampled_from(scan.pts.tolist())))
    plan = packets_in_groups(scan, wanted)
    assert set(scan.pts[plan.asked]) == wanted
    assert plan.feed[plan.asked].all()
    for group in range(1, len(groups) + 1):
        members = np.flatnonzero(scan.group == group)
        fed = plan.feed[members]
        assert not (fed[1:] & ~fed[:-1]).any(), "a packet is fed after one that is left out"
        if (plan.asked & scan.is_leading)[scan.group == group + 1].any():
            assert fed.all(), "leading pictures refer to the group before"
        elif not plan.asked[members].any():
            assert not fed.any(), "nobody needs this group"


@settings(deadline=None)
@given(GROUPS, st.data())
def test_in_order_feeds_everything_before(
    groups: list[tuple[int, int]], data: st.DataObject
) -> None:
    scan = scan_of(groups)
    wanted = data.draw(st.sets(st.sampled_from(scan.pts.tolist()), min_size=1))
    plan = packets_in_order(scan, wanted)
    last = int(np.flatnonzero(plan.asked)[-1])
    assert plan.last == last
    assert plan.feed.sum() == last + 1


def test_errors_spread_within_a_group_and_to_the_leading_pictures_of_the_next() -> None:
    scan = scan_of([(0, 3), (2, 2), (0, 2)])
    plan = packets_in_order(scan, scan.pts.tolist())
    assert np.flatnonzero(plan.spoilt([2])).tolist() == [2, 3, 5, 6]
    assert np.flatnonzero(plan.spoilt([5])).tolist() == [5, 6, 7, 8]
    assert not plan.spoilt([]).any()


def test_errors_of_leading_pictures_without_their_reference_spread_nowhere() -> None:
    scan = scan_of([(0, 3), (2, 2)])
    plan = packets_in_groups(scan, [int(scan.pts[-1])])
    assert plan.feed.tolist() == [False] * 4 + [True] * 5
    assert not plan.spoilt([5, 6]).any()
    assert np.flatnonzero(plan.spoilt([7])).tolist() == [7, 8]
