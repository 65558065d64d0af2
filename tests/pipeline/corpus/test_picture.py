"""The picture of a dialogue, of frames whose colours are known."""

from __future__ import annotations

import cv2
import numpy as np

from pipeline.corpus.layout import VideoSample
from pipeline.corpus.picture import PICTURE, in_markdown, picture_of, without_picture
from pipeline.records import FramedSegment


def in_colours(frames: list[FramedSegment]) -> list[FramedSegment]:
    """The frames, each of one colour that tells its index."""
    made = []
    for frame in frames:
        pixels = np.full((36, 64, 3), (frame.index * 20, 0, 255 - frame.index * 20), np.uint8)
        jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
        made.append(frame.model_copy(update={"jpeg": jpeg}))
    return made


def test_frames_stand_side_by_side_in_order_above_the_colour_of_their_state(
    samples: list[VideoSample],
) -> None:
    dialogue, frames = samples[4].dialogues[0], in_colours(list(samples[4].frames))
    picture = picture_of(dialogue, frames)
    assert picture == picture_of(dialogue, frames)
    pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None and pixels.shape == (144 + 28, 4 * (256 + 2), 3)
    blue = [int(pixels[72, 129 + at * 258, 0]) for at in range(4)]
    shown = [round(value / 20) for value in blue]
    assert shown == sorted(shown) and len(set(shown)) == 4
    states = [dialogue.turns[index].state for index in shown]
    assert "response" in states
    bars = [tuple(int(v) for v in pixels[170, 250 + at * 258]) for at in range(4)]
    for state, (b, g, r) in zip(states, bars, strict=True):
        assert (g > r and g > b) == (state == "response"), (state, b, g, r)


def test_frames_that_are_no_pictures_give_none(samples: list[VideoSample]) -> None:
    assert picture_of(samples[0].dialogues[0], samples[0].frames) == b""
    assert picture_of(samples[0].dialogues[0], ()) == b""


def test_a_card_without_it() -> None:
    card = f"# Title\n\n{in_markdown(PICTURE)}Text.\n"
    assert without_picture(card) == "# Title\n\nText.\n"
