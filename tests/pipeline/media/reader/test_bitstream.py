from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.media.reader.bitstream import is_mpeg4_b_frame, shown_ticks

START_OF_FRAME = b"\0\0\1\xb6"


@given(st.data())
def test_a_frame_is_shown_when_no_b_frame_has_to_be_before_it(data: st.DataObject) -> None:
    """Made in order of display: a B-frame is decoded after the next frame that is none."""
    b_on_screen = [*data.draw(st.lists(st.booleans(), max_size=30)), False]
    decoded: list[int] = []
    waiting: list[int] = []
    for number, is_b in enumerate(b_on_screen):
        waiting.append(number)
        if not is_b:
            decoded += [number, *waiting[:-1]]
            waiting = []
    ticks = 7 + 3 * np.array(data.draw(st.permutations(range(len(decoded)))))
    shown = shown_ticks(ticks, np.array([b_on_screen[number] for number in decoded]))
    assert shown.tolist() == [7 + 3 * number for number in decoded]


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (b"\0\0\1\xb3..." + START_OF_FRAME + b"\x80", True),
        (START_OF_FRAME + b"\x40" + START_OF_FRAME + b"\x80", False),
        (START_OF_FRAME, False),
        (b"\x80", False),
    ],
)
def test_a_b_frame_says_so_after_its_start_code(packet: bytes, expected: bool) -> None:
    assert is_mpeg4_b_frame(memoryview(packet)) is expected
