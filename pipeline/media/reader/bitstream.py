"""What packets say of their frames in their own bytes, where containers do not. Pure."""

from __future__ import annotations

import numpy as np

from pipeline.media.reader.packet_index import Flags, Ticks

_MPEG4_FRAME = b"\0\0\1\xb6"
_MPEG4_B = 2


def is_hidden_vp8(packet: memoryview) -> bool:
    """Whether the frame of a packet of VP8 is only a reference: a flag in byte 0."""
    return not packet[0] >> 4 & 1


def is_mpeg4_b_frame(packet: memoryview) -> bool:
    """Whether the first frame of a packet of MPEG-4 is a B-frame."""
    content = bytes(packet)
    start = content.find(_MPEG4_FRAME)
    coding_type = content[start + len(_MPEG4_FRAME) :][:1] if start >= 0 else b""
    return bool(coding_type) and coding_type[0] >> 6 == _MPEG4_B


def shown_ticks(ticks: Ticks, is_b: Flags) -> Ticks:
    """When each frame of a packed stream is shown, in decoding order; ``ticks``: of its packets.

    AVI gives each packet the time of its place and knows no B-frames. So DivX and Xvid packed a
    P-frame and the B-frame before it into one packet, and an empty one stands where the P-frame is
    shown. libavformat takes the packet for its P-frame alone, and gets the times wrong. But a
    B-frame is shown when it is decoded, any other frame when the next of its kind is: the order is
    known, and the earliest time belongs to the first.
    """
    order: list[int] = []
    held: list[int] = []
    for number, is_shown_at_once in enumerate(is_b):
        if is_shown_at_once:
            order.append(number)
        else:
            order += held
            held = [number]
    shown = np.empty_like(ticks)
    shown[order + held] = np.sort(ticks)
    return shown
