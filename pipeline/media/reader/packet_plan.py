"""Which packets a decoder must be fed to give the wanted frames. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.media.reader.packet_index import Flags, PacketIndex


@dataclass(frozen=True, eq=False)
class PacketPlan:
    """Which packets to feed, one flag a packet of the scan, in order of decoding.

    After packets that are left out, the decoder starts afresh at a keyframe.
    """

    scan: PacketIndex
    feed: Flags
    asked: Flags
    """Packets of the wanted frames."""
    skips: bool
    """Whether the decoder may leave out frames that nobody asked for and none refers to."""

    @property
    def last(self) -> int:
        """Index of the last packet to feed; -1 where there is none."""
        fed = np.flatnonzero(self.feed)
        return int(fed[-1]) if fed.size else -1

    def spoilt(self, broken: Sequence[int]) -> Flags:
        """Packets whose frames may show an error in one of the ``broken`` packets.

        Errors spread to later packets of the group, and to the leading pictures of the next. They
        do not spread from a leading picture that was decoded without the group before it.
        """
        group, leading = self.scan.group, self.scan.is_leading
        packets = np.bincount(group, minlength=1)
        is_whole = (packets > 0) & (np.bincount(group, weights=self.feed) == packets)
        never = self.feed.size
        first_error = np.full(packets.size, never)
        for index in broken:
            if not leading[index] or is_whole[group[index] - 1]:
                first_error[group[index]] = min(first_error[group[index]], index)
        inherits = leading & (first_error[group - 1] < never)
        result: Flags = inherits | (np.arange(never) >= first_error[group])
        return result


def packets_in_order(scan: PacketIndex, wanted: Collection[int]) -> PacketPlan:
    """Every packet from the first to that of the last wanted frame."""
    asked = _asked(scan, wanted)
    feed = np.zeros(scan.pts.size, dtype=np.bool_)
    feed[: np.flatnonzero(asked).max(initial=-1) + 1] = True
    return PacketPlan(scan, feed, asked, skips=False)


def packets_in_groups(scan: PacketIndex, wanted: Collection[int]) -> PacketPlan:
    """Packets from the keyframe of each group with a wanted frame to the last wanted one in it.

    A wanted leading picture needs the whole group before its own as well.
    """
    asked = _asked(scan, wanted)
    index = np.arange(scan.pts.size)
    needed_to = np.full(int(scan.group.max(initial=0)) + 1, -1)
    np.maximum.at(needed_to, scan.group[asked], index[asked])
    for group in np.unique(scan.group[asked & scan.is_leading]):
        members = index[scan.group == group - 1]
        needed_to[group - 1] = members.max(initial=needed_to[group - 1])
    return PacketPlan(scan, index <= needed_to[scan.group], asked, skips=True)


def _asked(scan: PacketIndex, wanted: Collection[int]) -> Flags:
    asked: Flags = scan.is_shown & np.isin(scan.pts, list(wanted))
    return asked
