"""The contract of every frame reader: the frame on screen at a time, or an error. Never another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.media.base import Clip, MediaError
from pipeline.media.reader import decord_reader, pyav_reader
from pipeline.media.reader.packet_index import FrameReader, Image
from pipeline.media.reader.timeline import clip_timeline
from tests.pipeline.media.barcode_clips import RECIPES, Recipe, number_of

READERS: dict[str, FrameReader] = {"pyav": pyav_reader.read, "decord": decord_reader.read}
READ_BY_DECORD = {"h264.mp4", "h264_ntsc.mp4", "h264_uneven.mp4", "h264_uneven.mkv", "vp9.webm"}
ASKED_S = {
    "every half second": [Fraction(i, 2) + Fraction(1, 97) for i in range(8)],
    "odd times": [Fraction(i * 317 + 211, 1000) for i in range(12)],
    "late, once": [Fraction(1403, 1000)],
    "every frame": [Fraction(i, 100) + Fraction(1, 197) for i in range(300)],
}


def truth_at(recipe: Recipe, time_s: Fraction) -> int:
    """The number on screen, from how the clip was made."""
    truth = recipe.truth
    return truth[bisect_right([shown_s for shown_s, _ in truth], time_s) - 1][1]


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("reader", READERS)
def test_gives_the_frame_on_screen_or_refuses(
    reader: str, name: str, clip_file: Callable[[str], Path]
) -> None:
    path, recipe = clip_file(name), RECIPES[name]
    index = pyav_reader.read_packet_index(path)
    timeline = clip_timeline(index, Clip(str(path)))

    def stored_number(image: Image) -> int:
        assert image.shape == (index.size[1], index.size[0], 3)
        unturned = np.rot90(image, recipe.rotation_deg // 90)
        return number_of(unturned[:, ::-1] if recipe.is_mirrored else unturned)

    for asked_s in ASKED_S.values():
        shown = [timeline.on_screen(time_s) for time_s in asked_s]
        try:
            numbers = READERS[reader](path, index, set(shown), index.size, stored_number)
        except MediaError as error:
            assert reader == "decord" and error.reason == "unsupported", error
            if "not installed" in error.detail:
                pytest.skip(error.detail)
            assert name not in READ_BY_DECORD, error
            continue
        assert numbers.keys() == set(shown)
        assert [numbers[p] for p in shown] == [truth_at(recipe, time_s) for time_s in asked_s]


@pytest.mark.parametrize("name", ["h264_no_b.mp4", "hevc.mp4", "vp9.webm"])
@pytest.mark.parametrize("reader", READERS)
def test_scales_every_frame_to_the_size_asked_for(
    reader: str, name: str, clip_file: Callable[[str], Path]
) -> None:
    path = clip_file(name)
    index = pyav_reader.read_packet_index(path)
    wanted = [int(p) for p in index.shown_pts[::20]]
    try:
        found = READERS[reader](path, index, wanted, (160, 90), lambda i: (i.shape, number_of(i)))
    except MediaError as error:
        pytest.skip(error.detail)
    assert list(found.values()) == [((90, 160, 3), n) for n in range(0, 90, 20)]
