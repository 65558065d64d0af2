"""Which packets a decoder must be fed to give the wanted frames. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.media.reader.packet_index import Flags, PacketIndex


@dataclass(frozen=True, eq=False)
class PacketPlan:
    """Which packets to feed, one flag per packet of the index, in decoding order.

    After packets that are left out, the decoder is flushed and restarts at a keyframe.
    """

    index: PacketIndex
    feed: Flags
    is_wanted: Flags
    """Packets of the wanted frames."""
    skips: bool
    """Whether the decoder may leave out unwanted frames that no other frame refers to."""

    @property
    def last(self) -> int:
        """Number of the last packet to feed; -1 where there is none."""
        fed = np.flatnonzero(self.feed)
        return int(fed[-1]) if fed.size else -1

    def affected(self, failed: Sequence[int]) -> Flags:
        """Packets whose frames may show an error in one of the ``failed`` packets.

        Errors spread to later packets of the group, and to the leading pictures of the next. They
        do not spread from a leading picture that was decoded without the group before it.
        """
        group, leading = self.index.group, self.index.is_leading
        packets = np.bincount(group, minlength=1)
        is_whole = (packets > 0) & (np.bincount(group, weights=self.feed) == packets)
        never = self.feed.size
        first_error = np.full(packets.size, never)
        for number in failed:
            if not leading[number] or is_whole[group[number] - 1]:
                first_error[group[number]] = min(first_error[group[number]], number)
        inherits = leading & (first_error[group - 1] < never)
        result: Flags = inherits | (np.arange(never) >= first_error[group])
        return result


def packets_in_order(index: PacketIndex, wanted: Collection[int]) -> PacketPlan:
    """Every packet from the first to the one of the last wanted frame."""
    is_wanted = _is_wanted(index, wanted)
    feed = np.zeros(index.pts.size, dtype=np.bool_)
    feed[: np.flatnonzero(is_wanted).max(initial=-1) + 1] = True
    return PacketPlan(index, feed, is_wanted, skips=False)


def packets_in_groups(index: PacketIndex, wanted: Collection[int]) -> PacketPlan:
    """Of each group with a wanted frame, the packets from its keyframe to its last wanted one.

    A wanted leading picture needs the whole group before its own as well.
    """
    is_wanted = _is_wanted(index, wanted)
    numbers = np.arange(index.pts.size)
    needed_to = np.full(int(index.group.max(initial=0)) + 1, -1)
    np.maximum.at(needed_to, index.group[is_wanted], numbers[is_wanted])
    for group in np.unique(index.group[is_wanted & index.is_leading]):
        members = numbers[index.group == group - 1]
        needed_to[group - 1] = members.max(initial=needed_to[group - 1])
    return PacketPlan(index, numbers <= needed_to[index.group], is_wanted, skips=True)


def _is_wanted(index: PacketIndex, wanted: Collection[int]) -> Flags:
    flags: Flags = index.is_shown & np.isin(index.pts, list(wanted))
    return flags
